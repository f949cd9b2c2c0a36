/* man.c - the man page, from the same table as --help. docs/oauthtap.1 is its output, which a test compares. */
#include "proxy/command/command.h"

static const char top[] =
    ".TH OAUTHTAP 1 \"\" \"oauthtap\" \"User Commands\"\n"
    ".SH NAME\noauthtap \\- says what is wrong with an OAuth connection, from the wire\n"
    ".SH SYNOPSIS\n.B oauthtap\n[proxy] [OPTION]...\n.br\n.B oauthtap run\n[OPTION]... \\-\\- COMMAND [ARGUMENT]...\n.br\n.B oauthtap "
    "check\n[OPTION]... FILE...\n.br\n.B oauthtap report\n[OPTION]... LOG...\n.br\n.B oauthtap demo\n[\\-\\-serve "
    "[\\-\\-listen HOST:PORT]]\n.br\n.B oauthtap ca\n[CLIENT] [OPTION]...\n.br\n"
    ".B oauthtap rules\n[ID] [OPTION]...\n.br\n.B oauthtap help\n[COMMAND|man]\n"
    ".SH DESCRIPTION\nAn intercepting HTTP(S) proxy. It forwards everything unharmed, recognises token and API exchanges, ties them into "
    "flows, and\n"
    "logs what is wrong, why it matters and what to change.\n.PP\n"
    ".B oauthtap proxy\n(the default) listens until SIGINT or SIGTERM. Requests in flight get five seconds then; a second signal ends them "
    "at once.\n"
    ".B oauthtap run\nstarts a command with a proxy of its own around it, on a free port, and with the variables that make clients use and "
    "trust it. Output, terminal, signals\nand status are the command's; findings and verdict go to standard error.\n"
    ".B oauthtap check\njudges recorded traffic: HAR files, gzip\\-packed or not, and Fiddler session archives; several are one run.\n"
    ".B oauthtap report\nrenders findings logs; several are one report.\n"
    ".B oauthtap demo\nshows with a provider and a client of its own what findings look like.\n"
    ".B oauthtap ca\nshows the certificate authority and how each client trusts it.\n"
    ".B oauthtap rules\nlists or explains the rules.\n";

static const char bottom[] =
    ".SH EXIT STATUS\n.TP\n.B 0\nfine.\n.TP\n.B 1\nfindings at or above \\-\\-fail\\-on.\n.TP\n.B 2\nusage or "
    "configuration.\n.TP\n.B 3\nit could not do its "
    "work: the port is taken, the certificate authority cannot be read, findings could not be written.\n"
    ".TP\nof the command\n.B run\npasses on its own status where that is not 0: 128 and the number of the signal that ended "
    "it, 127 where there is no such command, 126 where it cannot be run.\n"
    ".SH FILES\n.TP\n.I $XDG_CONFIG_HOME/oauthtap/\nca.pem, ca\\-key.pem and fingerprint.key, made on first use. "
    "The key never leaves this folder.\n"
    ".TP\n.I oauthtap.json\noptions of proxy as members of a JSON object, comments allowed: {\"listen\": "
    "\"127.0.0.1:9000\", \"pass\": [\"example.com\"]}.\n"
    ".TP\n.I oauthtap\\-findings.jsonl\nthe findings log: one JSON object a line.\n"
    ".SH ENVIRONMENT\n.TP\n.B NO_COLOR\nset and not empty: no colours on the terminal.\n";

void command_write_man(struct text_out *out) {
  text_out_add_string(out, top);
  text_out_add_string(out, ".SH OPTIONS OF PROXY\n");
  options_write_man(OPTIONS_PROXY, out);
  text_out_add_string(out, ".SH OPTIONS OF RUN\n");
  options_write_man(OPTIONS_RUN, out);
  text_out_add_string(out, ".SH OPTIONS OF CHECK\n");
  options_write_man(OPTIONS_CHECK, out);
  text_out_add_string(out, ".SH OPTIONS OF REPORT\n");
  options_write_man(OPTIONS_REPORT, out);
  text_out_add_string(out, ".SH OPTIONS OF CA\n");
  options_write_man(OPTIONS_CA, out);
  text_out_add_string(out, ".SH OPTIONS OF RULES\n");
  options_write_man(OPTIONS_RULES, out);
  text_out_add_string(out, bottom);
}
