/* roots.h - what a program must trust when its whole store is replaced: the authority's certificate and the roots that it had before. */
#ifndef OAUTHTAP_ROOTS_H
#define OAUTHTAP_ROOTS_H

#include "certs/authority.h"

struct roots;
/* roots_new - holds the authority's certificate; NULL: no memory. */
struct roots *roots_new(const struct authority *authority);
void roots_free(struct roots *roots);
/* roots_add_file - every certificate of a PEM file that is not there yet; whatever else the file holds (a key, say) is left out.
 * Returns 0 (a certificate was read, or the file before), -errno, or ERROR_MALFORMED. */
int roots_add_file(struct roots *roots, const char *path);
/* roots_add_system - the file in which this system keeps its roots. Returns 0, or -ENOENT where none of the usual ones is there. */
int roots_add_system(struct roots *roots);
/* roots_write_pem - one after the other, ours first. roots_write_p12 - a PKCS#12 trust store that Java reads, password "changeit". Return 0
 * or a negative code. */
int roots_write_pem(const struct roots *roots, struct text_out *out);
int roots_write_p12(const struct roots *roots, struct text_out *out);

#endif
