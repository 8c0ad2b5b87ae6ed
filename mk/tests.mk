
UNIT += db
db_ROOMS := store base
db_PKGS  := libcrypto sqlite3

UNIT += call
call_ROOMS := base
call_PKGS  := libcrypto jansson

# ---- base
UNIT += base_err base_buf base_msg base_clock base_hex base_json base_file base_conf base_spawn base_log
base_err_ROOMS := base
base_err_PKGS  := libcrypto
base_buf_ROOMS := base
base_buf_PKGS  := libcrypto
base_msg_ROOMS := base
base_msg_PKGS  := libcrypto
base_clock_ROOMS := base
base_clock_PKGS  := libcrypto
base_hex_ROOMS := base
base_hex_PKGS  := libcrypto
base_json_ROOMS := base
base_json_PKGS  := libcrypto jansson
base_file_ROOMS := base
base_file_PKGS  := libcrypto
base_conf_ROOMS := base
base_conf_PKGS  := libcrypto libconfig
base_spawn_ROOMS := base
base_spawn_PKGS  := libcrypto
base_log_ROOMS := base
base_log_PKGS  := libcrypto

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

FUZZ += msg json
fuzz_msg_ROOMS  := base
fuzz_msg_PKGS   := libcrypto
fuzz_msg_FLAGS  := -max_len=70000
fuzz_json_ROOMS := base
fuzz_json_PKGS  := libcrypto jansson
