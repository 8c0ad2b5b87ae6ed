
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
