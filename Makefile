# castation. One Makefile, explicit lists, everything built under build/<flavour>/.
#   make                 build/release       make FLAVOUR=asan    build/asan (ASan, UBSan, crash points)
FLAVOUR ?= release
B       := build/$(FLAVOUR)
VERSION := $(shell cat VERSION)

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes -Wmissing-prototypes \
        -Wvla -Wformat=2 -Wundef -Wswitch -Werror
CPPFLAGS := -D_GNU_SOURCE -DCASTATION_VERSION='"$(VERSION)"' -Isrc -Ipkcs11 -Iprovisioning
CFLAGS   := -std=gnu17 -g $(WARN)
LDFLAGS  := -Wl,--as-needed
ifeq ($(FLAVOUR),release)
CPPFLAGS += -D_FORTIFY_SOURCE=3
CFLAGS   += -O2 -fstack-protector-strong -fPIE
LDFLAGS  += -pie -Wl,-z,relro,-z,now
else ifeq ($(FLAVOUR),asan)
CPPFLAGS += -DCASTATION_CRASH_POINTS
CFLAGS   += -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
LDFLAGS  += -fsanitize=address,undefined
else
$(error FLAVOUR is release or asan, not '$(FLAVOUR)')
endif

# ---- rooms: a folder, its sources; each becomes one archive, so that a program links just what it uses --------------
base_DIR     := src/base
base_SRC     := err utf8 text buf msg msg_io clock file hex key_type json log spawn conf conf_text crash chain call tty
domain_DIR   := src/domain
domain_SRC   := application approval plain_text uscc token_state station_conf workday identity
store_DIR    := src/store
store_SRC    := db station_schema station_store portal_schema portal_store
wire_DIR     := pkcs11/wire
wire_SRC     := bay_wire sealed vault_wire bay_client vault_client
products_DIR := pkcs11/products
products_SRC := products softhsm
device_DIR   := pkcs11/device
device_SRC   := bay certs ckr csr handle_keys handle_pins handle_setup keys module objects pin session sign \
                softhsm_folder token verbs
cert_DIR     := provisioning/cert
cert_SRC     := sigalg profile profile_rules parse name tbs extensions lint lint_rules lint_extensions lint_sign weak csr info validity
vault_DIR    := provisioning/vault
vault_SRC    := conf log map index login hsm hsm_keys hsm_make hsm_uri ca ca_init so_pin der check check_parse check_record check_tbs check_dn check_ext sign letter registry server verb_hsm verb_sign verb_job vault crash_points
job_DIR      := provisioning/job
job_SRC      := machine
station_DIR  := src/station
station_SRC  := station clock_guard effects bay job job_apply job_queue steps steps_check steps_pin steps_key steps_sign steps_record voids vault_link portal_link arrivals rack http control control_acts control_tokens views views_records
portal_DIR   := src/portal
portal_SRC   := application_state role portal_conf certificate acts act_lend act_certificate \
                problem server server_form server_head server_listen server_pool server_request server_watch portal portal_auth api api_routes api_write \
                pki pki_file caportal_verbs caportal_init caportal_approve caportal_read caportal_station \
                list list_row list_search list_text list_index list_orders
portal_SRC   += certificate_words certificate_text certificate_extension
portal_SRC   += carrier promise calendar caportal_calendar workflow workflow_submit workflow_end order number review review_read
portal_SRC   += form form_choice form_check form_document regions material material_type material_image material_pdf
portal_SRC   += account account_organisation account_email account_password account_password_rules account_slots \
                account_totp account_session account_throttle account_link account_audit caportal_user caportal_users
web_DIR      := src/web
web_SRC      := assets static_files template template_html template_parse template_text templates \
                page page_json web web_access web_answer web_context web_cookie web_error web_form web_kept web_path web_site \
                web_token input pages_public
web_SRC      += web_nav export export_rows document document_draw paper pages_certificate pages_export
portal_SRC   += notice notice_params notice_read mail mail_put mail_conf smtp mailer chores setting seed
web_SRC      += progress pages_apply pages_form form_view form_input form_summary pages_material pages_application pages_payment
web_SRC      += staff staff_form pages_queue pages_review review_view review_reasons review_checks pages_finance pages_handover
web_SRC      += account_entry account_mail account_qr account_secret account_try pages_login pages_register pages_email pages_reset \
                pages_invitation pages_account pages_totp pages_organisation
web_SRC      += admin admin_user pages_admin_users pages_admin_user pages_admin_prices pages_admin_terms pages_admin_points \
                pages_admin_calendar pages_admin_settings pages_admin_stations pages_admin_mail pages_notice pages_audit
cli_DIR      := src/cli
cli_SRC      := args ask table width words csv verbs help vault look status act stock letter ca unlock enrol audit rack blank feed
ROOMS := base domain store wire products device cert vault job station portal web cli

# ---- programs: main source, rooms in link order, packages -----------------------------------------------------------
PROGRAMS := castation castationd castation-bay castation-vault castation-blank caportald caportal
castation_MAIN       := src/cli/main.c
castation_ROOMS      := cli store wire domain base
castation_PKGS       := libcrypto jansson libconfig sqlite3
castationd_MAIN      := src/station/main.c
castationd_ROOMS     := station job cert store wire products domain base
castationd_PKGS      := libcrypto jansson libconfig sqlite3 libcurl
castation-bay_MAIN   := pkcs11/device/main.c
castation-bay_ROOMS  := device wire products base
castation-bay_PKGS   := libcrypto jansson libconfig
castation-vault_MAIN := provisioning/vault/main.c
castation-vault_ROOMS:= vault cert wire products domain base
castation-vault_PKGS := libcrypto jansson libconfig libp11 p11-kit-1
castation-blank_MAIN := pkcs11/device/blank.c
castation-blank_ROOMS:= device wire products base
castation-blank_PKGS := libcrypto jansson libconfig
caportald_MAIN       := src/web/main.c
caportald_ROOMS      := web portal store domain base
caportald_PKGS       := libcrypto jansson libconfig sqlite3 libcurl zlib libargon2 libmicrohttpd gnutls xlsxwriter pangocairo libqrencode
caportal_MAIN        := src/portal/caportal.c
caportal_ROOMS       := portal store domain base
caportal_PKGS        := libcrypto jansson libconfig sqlite3 zlib libargon2

# ---- unit tests: tests/unit/test_<module>.c, and the rooms each links -------------------------------------------------
UNIT :=

.DEFAULT_GOAL := all
include mk/tests.mk
include mk/rules.mk
include mk/fuzz.mk
include mk/lint.mk
include mk/check.mk
include mk/web.mk
include mk/demo.mk
include mk/bench.mk
include mk/install.mk
