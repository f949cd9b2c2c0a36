/* inherited.h - what this process found at its start and changed for itself; a child gets it as it was. */
#ifndef OAUTHTAP_INHERITED_H
#define OAUTHTAP_INHERITED_H

/* inherited_note - once, before anything is changed; sees to it that descriptors 0 to 2 are taken. inherited_restore - in a child between
 * fork and exec: limits of core files and descriptors, and what SIGPIPE and SIGCHLD do. Async-signal-safe. */
void inherited_note(void);
void inherited_restore(void);

#endif
