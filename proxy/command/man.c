/* man.c - the man page, from the same table as --help. docs/oauthtap.1 is its output, which a test compares. */
#include "proxy/command/command.h"

void command_write_man(struct text_out *out) {
  text_out_add_string(out, ".TH OAUTHTAP 1\n.SH NAME\noauthtap \\- says what is wrong with an OAuth connection, from the wire\n"
                           ".SH SYNOPSIS\n.B oauthtap\n[proxy] [OPTION]...\n.br\n.B oauthtap demo\n[\\-\\-serve]\n.br\n.B oauthtap ca\n[CLIENT] "
                           "[\\-\\-format pem|der|p12]\n.br\n.B oauthtap rules\n[ID] [\\-\\-format text|json|markdown]\n"
                           ".SH DESCRIPTION\nAn intercepting HTTP(S) proxy. It forwards everything unharmed, recognises token and API exchanges, ties them into "
                           "flows, and logs what is wrong, why it matters and what to change.\n.SH OPTIONS\n");
  options_write_man(out);
  text_out_add_string(out, ".SH EXIT STATUS\n0 fine; 1 findings at or above \\-\\-fail\\-on; 2 usage or configuration; 3 it could not do its work.\n"
                           ".SH FILES\n.I $XDG_CONFIG_HOME/oauthtap/\nca.pem, ca\\-key.pem and fingerprint.key, made on first use. The key never leaves this "
                           "folder.\n");
}
