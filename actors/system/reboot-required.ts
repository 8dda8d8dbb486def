/** Reports whether a target has to be rebooted before what was updated is in use. Changes nothing. */
import * as z from 'zod'
import { mapping } from '../../src/config/shape.ts'
import type { Plan, ProbeResult } from '../../src/converge/convergent.ts'
import { convergent } from '../../src/converge/convergent-actor.ts'
import { impossible } from '../files/text-file.ts'
import { compareVersions } from '../packages/versions.ts'

const schema = mapping({
  report: z
    .enum(['ok', 'changed', 'failed'])
    .default('ok')
    .describe(
      'How a reboot that is required counts. `ok` (default): as a remark, which the report shows. `changed`: as a change, so that what is notified runs; it does so every time, until the target was rebooted. `failed`: as a failure.',
    ),
})
type Options = z.output<typeof schema>

/**
 * Debian's packages leave a file, and so does libzypp; needs-restarting asks rpm; and a kernel shows by itself: a newer one is
 * in /boot, or the modules of the running one are gone.
 */
const PROBE = `for f in /run/reboot-required /var/run/reboot-required; do
[ -e "$f" ] || continue
echo flag
sort -u "$f.pkgs" 2>/dev/null | sed 's/^/by /'
break
done
[ -e /run/reboot-needed ] && echo flag
if command -v needs-restarting >/dev/null 2>&1; then needs-restarting -r 2>/dev/null
elif command -v dnf >/dev/null 2>&1; then dnf -q -C needs-restarting -r 2>/dev/null
fi | grep -q 'Reboot is required' && echo updates
r=$(uname -r)
echo "running $r"
for k in /boot/vmlinuz-*; do [ -e "$k" ] && echo "kernel \${k#/boot/vmlinuz-}"; done
[ -d "/lib/modules/$r" ] || { [ "$(ls /lib/modules 2>/dev/null)" ] && echo gone; }
exit 0
`

export const rebootRequired = convergent<Options, Options>({
  name: 'reboot-required',
  summary: 'tell whether a reboot is required',
  schema,
  subject: () => 'reboot',
  desiredState: async options => options,
  probe: () => PROBE,
  plan({ report }, result): Plan {
    const reasons = reasonsIn(result)
    if (reasons.length === 0) return { kind: 'converged', detail: 'no reboot is required' }
    const what = `a reboot is required: ${reasons.join('; ')}`
    switch (report) {
      case 'ok':
        return { kind: 'converged', detail: what }
      case 'changed':
        return { kind: 'change', changes: [{ what, steps: [] }] }
      case 'failed':
        return impossible(what)
    }
  },
})

/** Why a reboot is required, in words; none when it is not. Pure. */
const reasonsIn = ({ stdout }: ProbeResult): readonly string[] => {
  const lines = Buffer.from(stdout).toString().split('\n')
  const all = (word: string) =>
    lines.flatMap(line => (line.startsWith(`${word} `) ? [line.slice(word.length + 1)] : []))
  const [running = ''] = all('running')
  // Only kernels of its kind: a container, and a machine which is started with a kernel from elsewhere, have none.
  const kin = all('kernel').filter(kernel => flavour(kernel) === flavour(running))
  const newer = kin
    .filter(kernel => compareVersions(kernel, running) > 0)
    .sort(compareVersions)
    .at(-1)
  const by = all('by')
  return [
    ...(newer === undefined ? [] : [`kernel ${newer} is installed, ${running} runs`]),
    ...(lines.includes('gone') && kin.length > 0 ? [`the modules of kernel ${running}, which runs, are gone`] : []),
    ...(by.length > 0 ? [`asked for by ${by.join(', ')}`] : []),
    ...(lines.includes('updates') ? ['packages in use were updated'] : []),
    ...(lines.includes('flag') && by.length === 0 ? ['asked for by an update'] : []),
  ]
}

/** What kind of kernel it is: `cloud-amd` of `6.1.0-28-cloud-amd64`, `el.x` of `5.14.0-362.el9_3.x86_64`. */
const flavour = (kernel: string): string => kernel.replace(/^[\d.-]*/, '').replaceAll(/[\d_]+/g, '')
