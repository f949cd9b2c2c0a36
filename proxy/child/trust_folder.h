/* trust_folder.h - the temporary files of a run: whom the child is to trust, in the forms that programs read. */
#ifndef OAUTHTAP_TRUST_FOLDER_H
#define OAUTHTAP_TRUST_FOLDER_H

#include "certs/authority.h"

struct trust_folder {
  char path[4096];                                        /* 0700, below $TMPDIR or /tmp; empty: none */
  char roots_file[4200], trust_store[4200], wgetrc[4200]; /* 0600; wgetrc is empty where the person has one */
  int lock;                                               /* on the folder, held while it is used; -1: none */
};

/* trust_folder_make - also clears away what a run that was killed has left there. Roots are the system's, and those in the files that the
 * environment's variables name. Returns 0, or a negative code with error set and nothing left behind. */
int trust_folder_make(struct trust_folder *folder, const struct authority *authority, struct error *error);
/* trust_folder_remove - may be called again. */
void trust_folder_remove(struct trust_folder *folder);

#endif
