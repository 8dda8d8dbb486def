/** Sends a script of this side to the target, runs it there with its arguments, and takes it away again. */

import { StokerError } from '../../src/base/errors.ts'
import { quoteForAnyShell } from '../../src/base/quote.ts'
import { bytesOf, type Content } from '../../src/converge/content.ts'
import type { Actor } from '../../src/run/actor.ts'
import { outcomeOfExit } from '../../src/run/outcome.ts'

/** Bytes; what is larger is a program, which `copy` brings. */
const MOST = 16 * 1024 * 1024

/** The first word, which may stand in quotes, and the rest. */
const FILE = /^\s*(?:'([^']+)'|"([^"]+)"|(\S+))(?=\s|$)\s*(.*)$/s

/**
 * Receives the script and becomes it. Its file has no name any more when it begins, so that nothing of it can stay behind,
 * however it ends; the kernel opens it through the descriptor, and so does the interpreter of its `#!` line. Where files
 * cannot be executed (noexec), the interpreter is called by us. What follows in the input is the script's.
 */
const receive = (size: number): string =>
  [
    "umask 077; t=$(mktemp) || exit; trap 'rm -f \"$t\"' EXIT; trap 'exit 1' HUP INT TERM PIPE",
    // Not head, which may take more from a pipe than it gives.
    `dd bs=${size} count=1 iflag=fullblock of="$t" 2>/dev/null`,
    `[ "$(wc -c <"$t")" -eq ${size} ] || { echo "the script did not arrive" >&2; exit 1; }`,
    'chmod 700 "$t" && exec 4<"$t" || exit',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's braces
    'i=; [ -x "$t" ] || { read -r i <"$t"; case $i in "#!"*) i=${i#"#!"} ;; *) i=/bin/sh ;; esac; }',
    'rm -f "$t"; trap - EXIT HUP INT TERM PIPE; umask 022; exec $i /proc/self/fd/4 "$@"',
  ].join('; ')

interface Options {
  readonly file: string
  /** As they were typed, for the login user's shell on the target. */
  readonly words: string
}

export const script: Actor<Options> = {
  name: 'script',
  summary: 'run a script of this machine on every target: FILE [ARGUMENT...]',
  takes: 'text',
  connects: true,
  parse(argument) {
    const [, ...names] = (typeof argument === 'string' && FILE.exec(argument)) || []
    const [words = '', file] = [names.pop(), names.find(name => name !== undefined)]
    if (file && !words.includes('\0')) return { file, words }
    throw new StokerError(
      'ACTOR_OPTION',
      'script',
      'actor script needs a file of this machine: stoker run script TARGETS -- FILE [ARGUMENT...]',
    )
  },
  sources: ({ file }) => [file],
  async *act(target, { file, words }, job) {
    const content = await job.materials(() => job.connect()).file(file)
    const bytes = await text(file, content)
    if (!job.apply) {
      yield { stream: 'stdout', data: Buffer.from(`would run the script ${file} ${words}`.trimEnd().concat('\n')) }
      return { kind: 'ok', changed: true }
    }
    await using remote = await job.connect()
    const line = `exec /bin/sh -c ${quoteForAnyShell(receive(bytes.length))} sh ${words}`
    const exit = yield* remote.exec({ line, stdin: inputOf(bytes, job.stdin) }, job)
    return outcomeOfExit(target.name, exit)
  },
}

const text = async (file: string, content: Content): Promise<Uint8Array> => {
  if (content.size === 0 || content.size > MOST)
    throw new StokerError('CONFIG', file, `${file} has ${content.size} bytes; a script has some, and at most ${MOST}`)
  return await bytesOf(content)
}

/** The script first, then what was piped into the run. */
async function* inputOf(script: Uint8Array, stdin: AsyncIterable<Uint8Array> | undefined): AsyncGenerator<Uint8Array> {
  yield script
  if (stdin) yield* stdin
}
