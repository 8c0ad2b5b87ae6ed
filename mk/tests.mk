
UNIT += db
db_ROOMS := store base
db_PKGS  := libcrypto sqlite3

UNIT += call
call_ROOMS := base
call_PKGS  := libcrypto jansson

# ---- base
UNIT += base_err base_buf base_msg
base_err_ROOMS := base
base_err_PKGS  := libcrypto
base_buf_ROOMS := base
base_buf_PKGS  := libcrypto
base_msg_ROOMS := base
base_msg_PKGS  := libcrypto

UNIT += application approval uscc token_state
application_ROOMS := domain base
application_PKGS  := libcrypto jansson libconfig
approval_ROOMS    := domain base
approval_PKGS     := libcrypto jansson libconfig
uscc_ROOMS        := domain base
uscc_PKGS         := libcrypto jansson libconfig
token_state_ROOMS := domain base
token_state_PKGS  := libcrypto jansson libconfig

UNIT += rack
rack_ROOMS := station base
rack_PKGS  := libcrypto jansson
