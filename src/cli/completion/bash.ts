/** Completion for bash; zsh reads the same table. Pure. */
import { quote } from '../../base/quote.ts'
import type { Flag, Row, ValueKind } from './table.ts'

/** A script for bash, to be sourced. */
export const bashCompletion = (program: string, table: readonly Row[]): string => `# Completion of ${program} for bash.
${shellTable(program, table)}
_${program}() {
  local line=\${COMP_LINE:0:COMP_POINT} commands flags valued values config path= n=0 i word kind=
  local -a words
  IFS=$' \\t\\n' read -ra words <<<"$line"
  # The words as they were typed: bash itself takes a group apart, at the @.
  [[ $line == *[[:blank:]] ]] && words+=('')
  local last=$((\${#words[@]} - 1))
  local current=\${words[last]}
  COMPREPLY=()
  _${program}_table ''
  for ((i = 1; i < last; i++)); do
    word=\${words[i]}
    [[ $word == -- ]] && return
    kind=
    if [[ $word == -* ]]; then
      kind=$(_${program}_kind "$word")
      [[ -n $kind ]] || continue
      i=$((i + 1))
      [[ $word == --config ]] && config=\${words[i]}
      ((i < last)) && kind=
    elif ((n == 0)) && [[ " $commands " == *" $word "* ]]; then
      path=\${path:+$path }$word
      _${program}_table "$path"
    else
      n=$((n + 1))
    fi
  done
  local prefix= candidates
  if [[ -n $kind ]]; then :
  elif [[ $current == -* ]]; then kind="words $flags"
  elif ((n == 0)) && [[ -n $commands ]]; then kind="words $commands"
  else
    local -a kinds
    IFS=';' read -ra kinds <<<"$values"
    ((n < \${#kinds[@]})) || n=$((\${#kinds[@]} - 1))
    kind=\${kinds[n]}
  fi
  case $kind in
    words\\ *) candidates=\${kind#words } candidates=\${candidates// /$'\\n'} ;;
    actions) candidates=$("\${words[0]}" \${config:+--config "$config"} complete actions 2>/dev/null) ;;
    targets)
      # The names of an expression stand between its operators.
      prefix=\${current%"\${current##*[,\\!&^]}"}
      candidates=$("\${words[0]}" \${config:+--config "$config"} complete groups 2>/dev/null)
      ;;
    *) return ;;
  esac
  local typed=\${current:\${#prefix}}
  # Only what stands after the last of its word breaks is replaced, and an @ is replaced itself.
  local broken=\${current%"\${current##*["$COMP_WORDBREAKS"]}"}
  broken=\${broken%@}
  while IFS= read -r word; do
    [[ -n $word && $word == "$typed"* ]] || continue
    word=$prefix$word
    COMPREPLY+=("\${word:\${#broken}}")
  done <<<"$candidates"
}
_${program}_kind() {
  local one
  local IFS=';'
  for one in $valued; do
    [[ $one == "$1="* ]] && printf '%s' "\${one#*=}"
  done
}
complete -o bashdefault -o default -F _${program} ${program}
`

/** A function which sets `commands`, `flags`, `valued` and `values` for the path which it is given; bash and zsh read it. */
export const shellTable = (program: string, table: readonly Row[]): string =>
  [
    `_${program}_table() {`,
    '  case $1 in',
    ...table.flatMap(row => [
      `    ${quote(row.path.join(' ')) || "''"})`,
      `      commands=${quote(row.commands.map(({ name }) => name).join(' '))}`,
      `      flags=${quote(row.flags.flatMap(({ words }) => words).join(' '))}`,
      `      valued=${quote(row.flags.flatMap(valuedWords).join(';'))}`,
      `      values=${quote(row.values.map(kindWord).join(';'))}`,
      '      ;;',
    ]),
    '  esac',
    '}',
  ].join('\n')

const valuedWords = ({ words, value }: Flag): readonly string[] =>
  value === undefined ? [] : words.map(word => `${word}=${kindWord(value)}`)

const kindWord = (value: ValueKind): string => (value.kind === 'words' ? `words ${value.words.join(' ')}` : value.kind)
