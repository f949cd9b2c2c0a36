/* files_apart.h - what is written must not destroy what is read, nor two outputs each other. */
#ifndef OAUTHTAP_FILES_APART_H
#define OAUTHTAP_FILES_APART_H

#include "proxy/options.h"

/* files_check_apart - compares each file that the options would write with each that they read and each other that they write, before any
 * is opened: by device and inode, or by folder and name where it is not there yet. Streams and devices are no files here. A baseline may be
 * written where it was read. Returns 0, or -EINVAL with error set, which names both options. */
int files_check_apart(const struct options *options, enum options_command command, struct error *error);

#endif
