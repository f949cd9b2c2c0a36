/* markdown.c - docs/options.md, from the tables of commands and options; a test compares it with the file. */
#include "proxy/command/command.h"

static const char top[] = "# Commands and options\n\nWritten by `oauthtap help markdown`.\n\n| command | what it does |\n| --- | --- |\n";

static const char bottom[] =
    "\nA flag is taken back by `--no-NAME`, where the config file sets it. A value stands behind a space or `=`.\n\n"
    "## The config file\n\n"
    "`oauthtap.json` in the current folder, or the file that `--config` names, holds options as members of a JSON object; comments (`//` "
    "and "
    "`/* */`) are allowed. It is read by the\ncommands that know `--config`. Each option of proxy, run and check but `config`, "
    "`print-config` "
    "and `help` is a key; where a command does not know it, it is for another one. A repeatable\noption takes a list, a flag `true` or "
    "`false`. The command line wins; lists are joined.\n\n"
    "```json\n{\n  // for everybody who works on this connector\n  \"connector\": [\"apiProperties.json\"],\n  \"fail-on\": \"warning\",\n"
    "  \"disable\": [\"token/missing-cache-control\"]\n}\n```\n\n"
    "`oauthtap proxy --print-config` (and `run`, `check`) prints what holds in the end, as such a file, and where each value comes "
    "from.\n\n"
    "## Completion in the shell\n\n"
    "Installing oauthtap installs it for bash, zsh and fish. By hand:\n\n"
    "| shell | |\n| --- | --- |\n"
    "| bash | `source <(oauthtap completion bash)` in `~/.bashrc`, or `oauthtap completion bash > "
    "~/.local/share/bash-completion/completions/oauthtap` |\n"
    "| zsh | `oauthtap completion zsh > ~/.zfunc/_oauthtap`, and `fpath+=~/.zfunc` before `compinit` in `~/.zshrc` |\n"
    "| fish | `oauthtap completion fish > ~/.config/fish/completions/oauthtap.fish` |\n";

void command_write_markdown(struct text_out *out) {
  unsigned columns[33] = {0};
  text_out_add_string(out, top);
  for (size_t i = 0; i < command_count; i++) {
    columns[i] = command_table[i].options;
    text_out_addf(out, "| `oauthtap %s %s` | %s |\n", command_table[i].name, command_table[i].usage, command_table[i].about);
  }
  text_out_add_string(out,
                      "| `oauthtap help [COMMAND]` | Tells about a command; `help man` writes the man page, `help markdown` this page. |\n"
                      "\nWithout a command it is `proxy`.\n\n## Options\n\n");
  options_write_markdown(columns, out);
  text_out_add_string(out, bottom);
}
