/* man.c - the man page, from the tables of commands and options. docs/oauthtap.1 is its output, which a test compares. */
#include "proxy/command/command.h"

static const char top[] = ".TH OAUTHTAP 1 \"\" \"oauthtap\" \"User Commands\"\n"
                          ".SH NAME\noauthtap \\- says what is wrong with an OAuth connection, from the wire\n"
                          ".SH SYNOPSIS\n";

static const char description[] =
    ".B oauthtap help\n[COMMAND|man|markdown]\n"
    ".SH DESCRIPTION\nAn intercepting HTTP(S) proxy. It forwards everything unharmed, recognises token and API exchanges, ties them into "
    "flows, and\nlogs what is wrong, why it matters and what to change.\n"
    ".SH COMMANDS\nWithout a command, it is proxy.\n";

static const char bottom[] =
    ".SH EXIT STATUS\n.TP\n.B 0\nfine.\n.TP\n.B 1\nfindings at or above \\-\\-fail\\-on.\n.TP\n.B 2\nusage or configuration.\n"
    ".TP\n.B 3\nit could not do its work: the port is taken, the certificate authority cannot be read, findings could not be written.\n"
    ".TP\nof the command\n.B run\npasses on its own status where that is not 0: 128 and the number of the signal that ended it, 127 where "
    "there is no such command, 126 where it cannot be run.\n"
    ".SH FILES\n.TP\n.I $XDG_CONFIG_HOME/oauthtap/\nca.pem, ca\\-key.pem and fingerprint.key, made on first use. "
    "The key never leaves this folder.\n"
    ".TP\n.I oauthtap.json\noptions as members of a JSON object, comments allowed: {\"listen\": \"127.0.0.1:9000\", \"pass\": "
    "[\"example.com\"]}. Each option but config, help and print\\-config is a key; one that the command does not know is for another one.\n"
    ".TP\n.I oauthtap\\-findings.jsonl\nthe findings log: one JSON object a line.\n"
    ".SH ENVIRONMENT\n.TP\n.B NO_COLOR\nset and not empty: no colours on the terminal.\n"
    ".TP\n.B TMPDIR\nwhere\n.B run\nkeeps the certificates for its command (/tmp).\n";

static void add_usage(const struct command *command, struct text_out *out) {
  text_out_addf(out, ".B oauthtap %s\n", command->name);
  options_write_roff(text_from(command->usage), out);
  text_out_add_string(out, "\n.br\n");
}

void command_write_man(struct text_out *out) {
  text_out_add_string(out, top);
  for (size_t i = 0; i < command_count; i++)
    add_usage(&command_table[i], out);
  text_out_add_string(out, description);
  for (size_t i = 0; i < command_count; i++) {
    text_out_addf(out, ".TP\n.B %s\n", command_table[i].name);
    options_write_roff(text_from(command_table[i].about), out);
    text_out_add_char(out, '\n');
  }
  text_out_add_string(out, ".SH OPTIONS\nIn brackets: the commands that each is for.\n");
  options_write_man(out);
  text_out_add_string(out, bottom);
}
