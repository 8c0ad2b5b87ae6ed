
UNIT += db
db_ROOMS := store base
db_PKGS  := libcrypto sqlite3

UNIT += call
call_ROOMS := base
call_PKGS  := libcrypto jansson
