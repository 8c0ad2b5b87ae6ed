#include "device/bay.h"

#include <string.h>
#include <unistd.h>

#include "device/session.h"

void bay_init(struct bay *b)
{
    memset(b, 0, sizeof(*b));
    b->channel = -1;
    buf_init_secret(&b->user_pin.pin);
}

void bay_forget_user_pin(struct bay *b)
{
    buf_reset(&b->user_pin.pin);
    b->user_pin.version = 0;
    b->user_pin.serial[0] = '\0';
}

void bay_done(struct bay *b)
{
    session_close(b);
    module_free(&b->module);
    buf_done(&b->user_pin.pin);
    if (b->channel >= 0)
        close(b->channel);
    b->channel = -1;
}

int bay_look(struct bay *b, const char *serial, struct err *err)
{
    struct token t;
    memcpy(b->wanted, serial, strlen(serial) + 1); /* of a field of the same size */
    if (token_find(b->module, b->product, serial, &t, err) != 0)
        return -1;
    if (t.slot != b->token.slot)
        session_close(b);
    b->token = t;
    return 0;
}

int bay_look_to_change(struct bay *b, const char *serial, struct err *err)
{
    if (serial[0] == '\0' &&
        (b->product->identity == IDENTITY_SERIAL || b->product->identity == IDENTITY_USB_SERIAL))
        return err_set(err, ERR_FIELD, "a change must name the token's serial number");
    return bay_look(b, serial, err);
}
