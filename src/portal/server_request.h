/* What the listener itself asks of a request. */
#ifndef CASTATION_PORTAL_SERVER_REQUEST_H
#define CASTATION_PORTAL_SERVER_REQUEST_H

#include "portal/server.h"

/* The client's numeric address: of the header when one is named and holds an address, sent once; otherwise
 * the peer's; "" when there is none. */
void server_request_address(const struct server_request *request, const char *header,
                            char ret[SERVER_ADDRESS_SIZE]);

#endif
