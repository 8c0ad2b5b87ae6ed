/* The station's configuration file, read by castationd and by the command line. */
#ifndef CASTATION_DOMAIN_STATION_CONF_H
#define CASTATION_DOMAIN_STATION_CONF_H

#include <stdbool.h>

#include "base/conf.h"

#define STATION_BAYS_MAX 64
#define STATION_CONF_DEFAULT "/etc/castation/station.conf"

struct station_conf {
    char name[65];
    char database[256];        /* station.db */
    char control_socket[108];
    char vault_socket[108];
    char bay_program[256], bay_config[256];
    char profiles[256];        /* folder */
    char ca_certificate[256];  /* PEM; written by castation ca init */
    char portal_key[256];      /* PEM public key of approvals: checked here too, before any token is touched */
    struct {
        char url[256], ca[256], certificate[256], key[256];
        int64_t poll_seconds, timeout_seconds;
    } portal;
    int64_t claims_ahead;      /* per bay */
    int64_t tokens_per_job;    /* tokens a job may use up before it is reported failed */
    int64_t tries_per_token;   /* initialisations of one token within a job */
    int64_t absent_seconds;    /* how long a job waits for its token to come back */
    int64_t stop_seconds;      /* how long a stop lets jobs finish before it parks them */
    char stock_policy[16];     /* "known_only" or "any" */
    struct {
        char folder[256];      /* "" = no rack; its sub-folders are named by bay */
        char drawer[256];      /* where tokens are that are not plugged in */
        char product[33];
        char module[256];      /* "" = the product's */
        int64_t bays;          /* bay-1 … bay-n */
    } rack;
};

int station_conf_load(const char *path, struct station_conf *ret, struct err *err);

#endif
