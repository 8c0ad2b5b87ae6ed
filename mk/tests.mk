
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

# ---- device, products, wire (the bay's half)
ROOMS    += rig
rig_DIR  := tests/rig
rig_SRC  := bay_rig bay_vault
UNIT += bay_wire sealed products ckr pin bay bay_faults
bay_wire_ROOMS := wire base
bay_wire_PKGS  := libcrypto
sealed_ROOMS   := wire base
sealed_PKGS    := libcrypto
products_ROOMS := products base
products_PKGS  := libcrypto
ckr_ROOMS      := device base
ckr_PKGS       := libcrypto
pin_ROOMS      := device wire base
pin_PKGS       := libcrypto
bay_ROOMS      := rig wire products base
bay_PKGS       := libcrypto libconfig
bay_faults_ROOMS := rig wire products base
bay_faults_PKGS  := libcrypto libconfig
# what the tests of the bay run: the programs, and a module that fails on demand (without sanitizers: vendors' have none)
bay-parts := $(B)/castation-bay $(B)/castation-blank $(B)/libfake_p11.so
$(B)/test_bay $(B)/test_bay_faults: | $(bay-parts)
$(B)/libfake_p11.so: tests/fake/fake_p11.c tests/fake/p11_calls.def
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE -std=gnu17 -g -O1 $(WARN) -fPIC -shared $(patsubst -I%,-isystem %,$(shell pkg-config --cflags p11-kit-1)) -o $@ $< -ldl
# drives one token through a real bay, for the flow tests
$(B)/bay_make: $(B)/tests/rig/bay_make.o $(B)/librig.a $(B)/libwire.a $(B)/libproducts.a $(B)/libbase.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(shell pkg-config --libs libcrypto libconfig) -ldl -lpthread
flow-parts += $(B)/bay_make $(bay-parts)

# ---- job
UNIT += machine
machine_ROOMS := job base
machine_PKGS  := libcrypto

UNIT += tbs
tbs_ROOMS := cert wire domain base
tbs_PKGS  := libcrypto jansson libconfig

UNIT += lint
lint_ROOMS := cert wire domain base
lint_PKGS  := libcrypto jansson libconfig

FUZZ += application
fuzz_application_ROOMS := domain base
fuzz_application_PKGS  := libcrypto jansson libconfig

UNIT += cli_csv cli_table
cli_csv_ROOMS   := cli base
cli_csv_PKGS    := libcrypto jansson libconfig
cli_table_ROOMS := cli store wire domain base
cli_table_PKGS  := libcrypto jansson libconfig sqlite3

# ---- castation-check: asserts the invariants over all records (tests/crash/check.t shows that it can fail)
ROOMS     += check
check_DIR := tests/crash
check_SRC := check_vault check_deliverable check_single check_signed check_forgotten check_journal check_secrets check_tokens
$(B)/castation-check: $(B)/tests/crash/check_invariants.o $(patsubst %,$(B)/lib%.a,check cert store wire domain base)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(shell pkg-config --libs libcrypto jansson libconfig sqlite3) -ldl
$(B)/castation-check-sample: $(B)/tests/crash/sample_records.o $(patsubst %,$(B)/lib%.a,cert store wire domain base)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(shell pkg-config --libs libcrypto jansson libconfig sqlite3)
flow-parts += $(B)/castation-check $(B)/castation-check-sample

# ---- vault: a client that plays castationd, bay and command line, for its flow and crash tests
$(B)/vault_tool: $(B)/tests/unit/vault_tool.o $(B)/libcert.a $(B)/libwire.a $(B)/libdomain.a $(B)/libbase.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(shell pkg-config --libs libcrypto jansson libconfig) -lpthread
flow-parts += $(B)/vault_tool

UNIT += profile weak csr
profile_ROOMS := cert wire domain base
profile_PKGS  := libcrypto jansson libconfig
weak_ROOMS    := cert wire domain base
weak_PKGS     := libcrypto jansson libconfig
csr_ROOMS     := cert wire domain base
csr_PKGS      := libcrypto jansson libconfig

# ---- portal
UNIT += portal_state portal_acts portal_api portal_pki
portal_state_ROOMS := portal base
portal_state_PKGS  := libcrypto jansson
portal_acts_ROOMS  := portal store domain base
portal_acts_PKGS   := libcrypto jansson libconfig sqlite3 zlib
portal_api_ROOMS   := portal store domain base
portal_api_PKGS    := libcrypto jansson libconfig sqlite3 zlib
portal_pki_ROOMS   := portal domain base
portal_pki_PKGS    := libcrypto jansson libconfig

FUZZ += csr
fuzz_csr_ROOMS := cert wire domain base
fuzz_csr_PKGS  := libcrypto jansson libconfig
FUZZ += bay_wire
fuzz_bay_wire_ROOMS := wire base
fuzz_bay_wire_PKGS  := libcrypto
UNIT += vault_log vault_login vault_so_pin vault_check
vault_log_ROOMS    := vault cert wire products domain base
vault_log_PKGS     := libcrypto jansson libconfig libp11 p11-kit-1
vault_login_ROOMS  := $(vault_log_ROOMS)
vault_login_PKGS   := $(vault_log_PKGS)
vault_so_pin_ROOMS := $(vault_log_ROOMS)
vault_so_pin_PKGS  := $(vault_log_PKGS)
vault_check_ROOMS  := $(vault_log_ROOMS)
vault_check_PKGS   := $(vault_log_PKGS)

# ---- station
UNIT += http control
http_ROOMS    := station domain base
http_PKGS     := libcrypto libssl jansson libconfig libcurl
control_ROOMS := station job cert store wire products domain base
control_PKGS  := libcrypto jansson libconfig sqlite3 libcurl

# ---- station: a portal that answers whatever it is told to
$(B)/raw_portal: tests/fake/raw_portal.c
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE -std=gnu17 -g -O1 $(WARN) -o $@ $< -lssl -lcrypto
flow-parts += $(B)/raw_portal

FUZZ += portal_api
fuzz_portal_api_ROOMS := portal store domain base
fuzz_portal_api_PKGS  := libcrypto jansson libconfig sqlite3 zlib
fuzz_portal_api_FLAGS := -max_len=8192
FUZZ += vault_tbs vault_log
fuzz_vault_tbs_ROOMS := vault cert wire products domain base
fuzz_vault_tbs_PKGS  := libcrypto jansson libconfig libp11 p11-kit-1
fuzz_vault_tbs_FLAGS := -max_len=6144
fuzz_vault_log_ROOMS := $(fuzz_vault_tbs_ROOMS)
fuzz_vault_log_PKGS  := $(fuzz_vault_tbs_PKGS)

# ---- station: jobs through faults; vault and portal are played by the test
UNIT += jobs
jobs_ROOMS := station job cert store wire products domain base
jobs_PKGS  := libcrypto jansson libconfig sqlite3 libcurl
jobs_LDFLAGS := -Wl,--wrap=http_post,--wrap=http_next

# ---- lists of applications
UNIT += list
list_ROOMS := portal store domain base
list_PKGS  := libcrypto jansson libconfig sqlite3
UNIT += staff
staff_ROOMS := web portal store domain base
staff_PKGS  := $(caportald_PKGS)

# ---- portal: working days
UNIT += workday
workday_ROOMS := domain base
workday_PKGS  := libcrypto jansson libconfig
# ---- portal: the way of an application
UNIT += workflow workflow_review workflow_edges promise
workflow_ROOMS       := portal store domain base
workflow_PKGS        := libcrypto jansson libconfig sqlite3 zlib libargon2
workflow_review_ROOMS := $(workflow_ROOMS)
workflow_review_PKGS  := $(workflow_PKGS)
workflow_edges_ROOMS := $(workflow_ROOMS)
workflow_edges_PKGS  := $(workflow_PKGS)
promise_ROOMS        := $(workflow_ROOMS)
promise_PKGS         := $(workflow_PKGS)

# ---- web
UNIT += server
server_ROOMS := portal store domain base
server_PKGS  := libcrypto jansson libconfig sqlite3 libmicrohttpd gnutls
UNIT += template
template_ROOMS := web base
template_PKGS  := libcrypto jansson
UNIT += web
web_ROOMS      := web portal store domain base
web_PKGS       := $(caportald_PKGS)
FUZZ += web
fuzz_web_ROOMS := web portal store domain base
fuzz_web_PKGS  := $(caportald_PKGS)
fuzz_web_FLAGS := -max_len=512

# ---- accounts
UNIT += account account_session account_password
account_ROOMS          := portal store domain base
account_PKGS           := libcrypto jansson libconfig sqlite3 libargon2
account_session_ROOMS  := $(account_ROOMS)
account_session_PKGS   := $(account_PKGS)
account_password_ROOMS := $(account_ROOMS)
account_password_PKGS  := $(account_PKGS)

# ---- web: exports
UNIT += export
export_ROOMS := web base
export_PKGS  := libcrypto xlsxwriter
UNIT += document
document_ROOMS := web base
document_PKGS  := libcrypto pangocairo libqrencode

# ---- notices and mail
UNIT += notice mail mailer
notice_ROOMS := portal store domain base
notice_PKGS  := libcrypto jansson libconfig sqlite3 zlib
mail_ROOMS   := portal domain base
mail_PKGS    := libcrypto jansson libconfig
mailer_ROOMS  := portal store domain base
mailer_PKGS   := libcrypto jansson libconfig sqlite3 zlib libargon2 libcurl

# ---- portal: certificates in words
UNIT += certificate_words
certificate_words_ROOMS := portal domain base
certificate_words_PKGS  := libcrypto jansson

# ---- the application form, materials
UNIT += form regions material
form_ROOMS     := portal store domain base
form_PKGS      := libcrypto jansson libconfig sqlite3 zlib libargon2
regions_ROOMS  := portal domain base
regions_PKGS   := libcrypto jansson
material_ROOMS := $(form_ROOMS)
material_PKGS  := $(form_PKGS)

FUZZ += material
fuzz_material_ROOMS := portal store domain base
fuzz_material_PKGS  := libcrypto jansson libconfig sqlite3 zlib libargon2
fuzz_material_FLAGS := -max_len=65536

# ---- portal: certificates in words
FUZZ += certificate_words
fuzz_certificate_words_ROOMS := portal domain base
fuzz_certificate_words_PKGS  := libcrypto jansson
