/** `clush` without a command: lines typed at its prompt, with its own letters at their beginning. */
import type { Abortable } from '../../../base/abortable.ts'
import { StokerError } from '../../../base/errors.ts'
import { targetsByName } from '../../../inventory/targets-by-name.ts'
import { fold } from '../../../nodeset/fold.ts'
import { families } from '../../../nodeset/sets/family.ts'
import { inOrder } from '../../../nodeset/sets/order.ts'
import { parseExpression } from '../../../nodeset/syntax/parse.ts'
import { clushViews } from '../../../report/faces/clush/views.ts'
import type { PushFlags } from '../../push/push.ts'
import { type Dialogue, faceSession, type Wish } from '../session.ts'
import { usageError } from './errors.ts'
import { formatOf, shapeOf } from './look.ts'
import { clushEvaluator, clushNodes } from './nodes.ts'
import type { ClushOptions, ClushSettings } from './options.ts'
import { commandActor } from './task.ts'

const NOTHING: Wish = { kind: 'nothing' }

/** Asks for commands until the person leaves; returns the exit code. `port`: which the command line says. */
export const clushSession = (
  options: ClushOptions,
  settings: ClushSettings,
  port: number | undefined,
  flags: PushFlags,
): Promise<number> =>
  faceSession({
    name: 'clush',
    flags,
    async begin(site, notify, io): Promise<Dialogue> {
      const ask = clushEvaluator(options, site, io)
      const format = formatOf(options, settings, ask)
      const tell = (text: string) => void (settings.verbosity > 0 && process.stdout.write(`${text}\n`))
      let names = await clushNodes(options, ask, process.stdin, tell, io)
      if (names.length === 0) throw usageError('No node to run on.')
      let gather = shapeOf(options).gather
      tell("Enter 'quit' to leave this interactive mode")

      const change = async (sign: string, text: string): Promise<Wish> => {
        const given = await ask.names(parseExpression(text))
        const before = new Set(names)
        const after = sign === '+' ? before.union(given) : sign === '-' ? before.difference(given) : given
        names = inOrder(families(after))
        return NOTHING
      }
      const run = async (line: string, io: Abortable): Promise<Wish> => {
        const { targets, notices } = await targetsByName(names, site.warehouses, io)
        for (const notice of notices) notify(notice)
        if (targets.length === 0) throw new StokerError('USAGE', 'clush', 'no nodes: +NODES adds some')
        const at = targets.map(target => (port === undefined ? target : { ...target, port }))
        const whole = [...settings.prefix, line].join(' ')
        return {
          kind: 'run',
          actor: commandActor(whole, options.worker, undefined),
          targets: at,
          words: options.worker === 'ssh' ? ['shell', whole] : ['clush', ...options.argv, whole],
          view: sinks => clushViews(sinks, { ...shapeOf(options), gather }, format, at, []),
        }
      }
      return {
        prompt: 'clush> ',
        greeting: () => `Working with nodes: ${fold(names)}\n`,
        async read(line, io) {
          const sign = line.charAt(0)
          const rest = line.slice(1)
          if (line.toLowerCase() === 'quit') return { kind: 'leave' }
          if (line.trim() === '') return NOTHING
          if (sign === '+' || sign === '-' || sign === '@') return await change(sign, rest)
          if (line === '=') {
            gather = !gather
            tell(`Switching to ${gather ? 'gathered' : 'standard'} output format`)
            return NOTHING
          }
          if (sign === '?') {
            process.stdout.write(`Working with nodes: ${fold(names)}\n`)
            return NOTHING
          }
          return sign === '!' ? { kind: 'here', line: rest } : await run(line, io)
        },
      }
    },
  })
