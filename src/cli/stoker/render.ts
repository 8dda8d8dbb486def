/** The commands which make services' configuration. */
import { type Command, InvalidArgumentError } from 'commander'
import type { Done } from '../options/shared.ts'
import { duration } from '../options/values.ts'

/** `render` and `hook`. */
export const addRendering = (program: Command, done: Done): void => {
  program
    .command('render')
    .description("make services' configuration of what the warehouses say: check it, write it, tell the service")
    .argument('[names...]', 'dhcpd, dnsmasq, ..., or names from the configuration; without any, all of those')
    .option('--check', 'change nothing, show what would be: exit code 0 same, 10 it would change')
    .option('--diff', 'the same, with the differences')
    .option('--out <file>', 'write it there and nowhere else: a file, a folder, or - for standard output')
    .option('--rollback [n]', 'put back what was live before the last change, or n changes ago', stepsBack)
    .option('--versions', 'list what a rollback could go back to')
    .option('--explain <host>', 'show the lines which come from this host, and who says so')
    .option('--accept-shrink', 'much fewer hosts than before are right')
    .option('--no-reload', 'do not tell the running service; the next render does')
    .option('--deadline <time>', 'for all of it (default 5)', duration)
    .option('--start', "for a service's start: it reads all of it anyway, and shall start with what was good")
    .option('--watch', 'go on, and render whenever a warehouse says something else')
    .option('--json', 'one render a line')
    .action(async (names: readonly string[], flags) => {
      if (flags.watch) {
        const { renderWatch } = await import('../../commands/render/watch.ts')
        done(await renderWatch(names, { ...program.opts(), ...flags }))
        return
      }
      const { render } = await import('../../commands/render/render.ts')
      done(await render(names, { ...program.opts(), ...flags, ...(flags.rollback === true && { rollback: 1 }) }))
    })

  const hooks = program.command('hook').description('bind a render to the start of a service')
  for (const [verb, what] of [
    ['install', 'render each time the service starts; shows what it will write, and where'],
    ['remove', 'take the hook away, and leave nothing of it'],
    ['status', 'tell whether there is a hook, and whether it is as it should be'],
  ] as const)
    hooks
      .command(verb)
      .description(what)
      .argument('<service>', 'dhcpd, dnsmasq, kea or bind')
      .option('--systemd', 'by a drop-in file of its unit (default where systemd runs)')
      .option('--sysv', "by what Debian's init script reads from /etc/default")
      .option('-y, --yes', 'do not ask, also at a terminal')
      .option('--json', 'as one JSON object')
      .action(async (service: string, flags) => {
        const { hook } = await import('../../commands/render/hook.ts')
        done(await hook(verb, service, { ...program.opts(), ...flags }))
      })
}

const stepsBack = (text: string): number => {
  if (/^[1-9]$/.test(text)) return Number(text)
  throw new InvalidArgumentError(`Expected how many changes to go back; the name comes first: ${text} --rollback.`)
}
