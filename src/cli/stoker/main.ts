/** The command line of `stoker`: argv -> exit code. */
import { faceWords } from '../faces/faces.ts'
import { runProgram } from '../run-program.ts'

/** Runs the command which `argv` (without the program's name) asks for; returns the exit code and throws nothing. */
export const cli = (argv: readonly string[]): Promise<number> =>
  runProgram('stoker', async () => {
    // The calculator reads its flags in their order, as nodeset(1) does; scripts call it often, so it starts with little.
    const calculator = nodesWords(argv)
    if (calculator) {
      const { nodesCommand } = await import('../../commands/nodes/command.ts')
      return await nodesCommand(calculator.words, calculator.options)
    }
    const face = faceWords(argv)
    if (face) {
      const { runFace } = await import('../faces/run-face.ts')
      return await runFace(face)
    }
    const { runStoker } = await import('./program.ts')
    return await runStoker(argv)
  })

/** The words of the calculator, when the command line is one of its own. */
const nodesWords = (argv: readonly string[]) => {
  const [first = '', second = '', third] = argv
  if (first === 'nodes') return { words: argv.slice(1), options: {} }
  if (first === '--config' && third === 'nodes') return { words: argv.slice(3), options: { config: second } }
  return undefined
}
