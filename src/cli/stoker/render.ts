/** The commands which make services' configuration: `render` and `hook`. */
import { type Command, Option } from 'commander'
import type { SetExitCode } from '../new-program.ts'
import { choiceOption, valueOption, withDefaultText, withRemark } from '../options/option.ts'
import { CHECK, DIFF, JSON_LINES, KIND, OUT, YES } from '../options/shared.ts'
import { aboveZero, duration, invalid, type ValueParser } from '../options/values.ts'

export const addRender = (program: Command, setExitCode: SetExitCode): void => {
  program
    .command('render')
    .description("render services' configuration from the warehouses: check it, write it, reload the service")
    .argument('[names...]', 'dhcpd, dnsmasq, ..., or names from the configuration (default: all of those)')
    .addOption(withRemark(CHECK, 'exit code 10 if something would change'))
    .addOption(withRemark(DIFF, 'implies --check'))
    .addOption(withRemark(OUT, 'a file, a folder, or - for standard output'))
    .addOption(valueOption('--rollback [n]', 'restore what was live before the last change, or n changes ago', steps))
    .option('--versions', 'list what --rollback can restore')
    .option('--explain <host>', 'show the lines which come from this host, and who says so')
    .option('--accept-shrink', 'accept far fewer hosts than before')
    .option('--no-reload', 'do not reload the running service; the next render does')
    .addOption(
      withDefaultText(valueOption('--deadline <time>', 'give up after this time in all', aboveZero(duration)), '5s'),
    )
    .option('--start', 'render for a service which is starting: if that fails, keep what was good')
    .option('--watch', 'keep running, and render whenever a warehouse changes')
    .addOption(JSON_LINES)
    .action(async (names: readonly string[], options) => {
      if (options.watch) {
        const { renderWatch } = await import('../../commands/render/watch.ts')
        setExitCode(await renderWatch(names, { ...program.opts(), ...options }))
        return
      }
      const { render } = await import('../../commands/render/render.ts')
      const rollback = options.rollback === true && { rollback: 1 }
      setExitCode(await render(names, { ...program.opts(), ...options, ...rollback }))
    })

  const hooks = program.command('hook').description('bind a render to the start of a service')
  for (const [verb, description] of [
    ['install', 'install a hook which renders each time the service starts; shows what it writes, and where'],
    ['remove', 'remove the hook, and leave nothing of it'],
    ['status', 'show whether there is a hook, and whether it is as it should be'],
  ] as const)
    hooks
      .command(verb)
      .description(description)
      .argument('<service>', 'dhcpd, dnsmasq, kea or bind')
      .addOption(withDefaultText(choiceOption('--kind <kind>', KIND, ['systemd', 'sysv']), KIND_DEFAULT[verb]))
      .addOption(new Option('--systemd').hideHelp())
      .addOption(new Option('--sysv').hideHelp())
      .addOption(YES)
      .addOption(JSON_LINES)
      .action(async (service: string, options) => {
        const { hook } = await import('../../commands/render/hook.ts')
        setExitCode(await hook(verb, service, { ...program.opts(), ...options }))
      })
}

const KIND_DEFAULT = { install: 'what the machine has', remove: 'both', status: 'both' }

const steps: ValueParser<number> = text => {
  if (/^[1-9]$/.test(text)) return Number(text)
  throw invalid(`expected how many changes to go back; the name comes first: ${text} --rollback`)
}
