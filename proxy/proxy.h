/* proxy.h - a whole proxy in this process: listener, authority, inspector, log, worker. `oauthtap proxy` and `oauthtap demo` are made of
 * it. */
#ifndef OAUTHTAP_PROXY_H
#define OAUTHTAP_PROXY_H

#include "proxy/options.h"
#include "certs/authority.h"

struct connector_files;
struct proxy;
/* proxy_start - returns NULL with error set; error.code tells the exit status (command.h: exit_status_for). on_record: called on the
 * inspector's thread for each record beside log and terminal, must not block; NULL: nobody. */
struct proxy *proxy_start(const struct options *options, record_fn *on_record, void *owner, struct error *error);
uint16_t proxy_port(const struct proxy *proxy);
const char *proxy_url(const struct proxy *proxy);                               /* "http://127.0.0.1:8080" */
const struct connector_files *proxy_connector_files(const struct proxy *proxy); /* of --connector; NULL: none */
const struct authority *proxy_authority(const struct proxy *proxy);
bool proxy_is_authority_new(const struct proxy *proxy); /* made by this start: nobody trusts it yet */
/* proxy_say - a greeting, where the findings are shown as text; a terminal that is stopped holds nobody up. */
void proxy_say(struct proxy *proxy, struct text text);
/* proxy_stop - asks for the end (any thread, or a signal handler; a second call ends at once). proxy_wait - until nothing is in flight any
 * more; proxy_stop may be called until then and afterwards. proxy_finish - waits likewise, drains the inspector, writes the summary;
 * returns the exit status (0, 1 findings, 3 the log could not be written). Frees the proxy. */
void proxy_stop(struct proxy *proxy);
void proxy_wait(struct proxy *proxy);
int proxy_finish(struct proxy *proxy);
/* proxy_abandon - there was no run: nothing is logged and shown from now on. */
void proxy_abandon(struct proxy *proxy);

#endif
