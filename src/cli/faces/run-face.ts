/** Runs a command line of another tool: parse, run, and tell what is wrong in that tool's words. */
import { toStokerError } from '../../base/errors.ts'
import { VERSION } from '../../base/version.ts'
import type { FaceWords } from './faces.ts'

/** The exit code; throws nothing. */
export const runFace = async ({ face, words, ...flags }: FaceWords): Promise<number> => {
  switch (face) {
    case 'clush': {
      const { clushComplaint } = await import('../../commands/faces/clush/errors.ts')
      return await told(clushComplaint, async () => {
        const { clushHelp, parseClush } = await import('./clush.ts')
        const options = parseClush(words)
        if (options === 'help') return printed(clushHelp())
        if (options === 'version') return printed(`clush (stoker ${VERSION})\n`)
        const { clush } = await import('../../commands/faces/clush/clush.ts')
        return await clush(options, flags)
      })
    }
    case 'pdsh': {
      const { pdshComplaint } = await import('../../commands/faces/pdsh/errors.ts')
      return await told(pdshComplaint, async () => {
        const { parsePdsh } = await import('./pdsh.ts')
        const options = parsePdsh(words, process.env, VERSION)
        if ('print' in options) return printed(options.print)
        const { pdsh } = await import('../../commands/faces/pdsh/pdsh.ts')
        return await pdsh(options, flags)
      })
    }
    case 'dshbak': {
      const { dshbakComplaint } = await import('../../commands/faces/dshbak/errors.ts')
      return await told(dshbakComplaint, async () => {
        const { parseDshbak } = await import('./dshbak.ts')
        const options = parseDshbak(words)
        if ('help' in options) return printed(options.help)
        const { dshbak } = await import('../../commands/faces/dshbak/dshbak.ts')
        return await dshbak(options)
      })
    }
    default:
      throw new Error(`unknown tool: ${face satisfies never}`)
  }
}

type Complaint = (error: ReturnType<typeof toStokerError>) => { readonly text: string; readonly code: number }

const told = async (complaint: Complaint, work: () => Promise<number>): Promise<number> => {
  try {
    return await work()
  } catch (thrown) {
    const { text, code } = complaint(toStokerError(thrown, 'stoker'))
    process.stderr.write(`${text}\n`)
    if (process.env.STOKER_DEBUG && thrown instanceof Error) process.stderr.write(`${thrown.stack}\n`)
    return code
  }
}

const printed = (text: string): number => {
  process.stdout.write(text)
  return 0
}
