/* The pages as a site of a listener. */
#ifndef CASTATION_WEB_WEB_SITE_H
#define CASTATION_WEB_WEB_SITE_H

#include "portal/portal.h"

struct web;
/* Parses the templates, and makes the site's key when there is none yet. */
int web_new(struct web **ret, struct portal *portal, struct err *err);
void web_free(struct web **web);
void web_site(struct web *web, struct server_site *ret);

#endif
