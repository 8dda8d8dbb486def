/** Completion for zsh. Pure. */
import { shellTable } from './bash.ts'
import type { Row } from './table.ts'

/** A script for zsh, to be sourced after `compinit`, or to be put into a folder of `fpath` as `_PROGRAM`. */
export const zshCompletion = (program: string, table: readonly Row[]): string => `#compdef ${program}
# Completion of ${program} for zsh.
${shellTable(program, table)}
_${program}() {
  local commands flags valued values config command_path word kind one prefix
  local -i i n=0
  local -a kinds candidates
  _${program}_table ''
  for ((i = 2; i < CURRENT; i++)); do
    word=\${(Q)words[i]}
    if [[ $word == -- ]]; then _files; return; fi
    kind=
    if [[ $word == -* ]]; then
      for one in \${(s:;:)valued}; do
        [[ $one == "$word="* ]] && kind=\${one#*=}
      done
      [[ -n $kind ]] || continue
      i=$((i + 1))
      [[ $word == --config ]] && config=\${(Q)words[i]}
      ((i < CURRENT)) && kind=
    elif ((n == 0)) && [[ " $commands " == *" $word "* ]]; then
      command_path=\${command_path:+$command_path }$word
      _${program}_table "$command_path"
    else
      n=$((n + 1))
    fi
  done
  if [[ -n $kind ]]; then :
  elif [[ $PREFIX == -* ]]; then kind="words $flags"
  elif ((n == 0)) && [[ -n $commands ]]; then kind="words $commands"
  else
    kinds=(\${(s:;:)values})
    ((n < \${#kinds})) || n=$((\${#kinds} - 1))
    kind=\${kinds[n + 1]}
  fi
  case $kind in
    words\\ *) candidates=(\${(s: :)\${kind#words }}) ;;
    actions) candidates=(\${(f)"$("\${words[1]}" \${config:+--config} \${config:+"$config"} complete actions 2>/dev/null)"}) ;;
    targets)
      # The names of an expression stand between its operators.
      compset -P '*[,\\!&^]'
      candidates=(\${(f)"$("\${words[1]}" \${config:+--config} \${config:+"$config"} complete groups 2>/dev/null)"})
      ;;
    *) _files; return ;;
  esac
  compadd -a candidates
}
if [[ $funcstack[1] == _${program} ]]; then _${program} "$@"; else compdef _${program} ${program}; fi
`
