/** The tools whose command lines `stoker` takes, and how it is known that one of them is meant. */
import { basename } from 'node:path'

export const FACES = ['clush', 'pdsh', 'dshbak'] as const
export type Face = (typeof FACES)[number]

/** A command line of one of these tools. */
export interface FaceWords {
  readonly face: Face
  readonly words: readonly string[]
  readonly config?: string
}

const faceOf = (word: string): Face | undefined => FACES.find(face => face === word)

/**
 * All words of a command line, with the name of the tool in front where the program was started by a link of that name:
 * `/usr/local/bin/clush -a uptime` is `stoker clush -a uptime`.
 */
export const wordsByName = (program: string, argv: readonly string[]): readonly string[] => {
  const face = faceOf(basename(program))
  return face === undefined ? argv : [face, ...argv]
}

/** The words of the tool which is meant, when one is: `clush ...`, `--config FILE clush ...`. */
export const faceWords = (argv: readonly string[]): FaceWords | undefined => {
  const [first = '', second = '', third = ''] = argv
  const face = faceOf(first)
  if (face) return { face, words: argv.slice(1) }
  const behind = first === '--config' ? faceOf(third) : undefined
  return behind && { face: behind, words: argv.slice(3), config: second }
}
