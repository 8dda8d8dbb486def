/** Keeps services running or stopped, now and at boot; restarts and reloads them: systemd, OpenRC, and scripts in /etc/init.d. */
import * as z from 'zod'
import { quote } from '../../src/base/quote.ts'
import { truth } from '../../src/config/fields.ts'
import { mapping } from '../../src/config/shape.ts'
import { withLibrary } from '../../src/converge/batch.ts'
import type { Change, Plan, ProbeResult } from '../../src/converge/convergent.ts'
import { convergent } from '../../src/converge/convergent-actor.ts'
import { RUN } from '../common/run.ts'
import { CONVERGED, impossible } from '../files/text-file.ts'
import type { Action, ServiceState } from './service/init.ts'
import { openrc } from './service/openrc.ts'
import { systemd } from './service/systemd.ts'
import { sysv } from './service/sysv.ts'

const schema = mapping({
  name: z
    .string()
    .regex(/^[\p{L}\p{N}_][\p{L}\p{N}_.@:\\-]*$/u, 'expected the name of a service, such as nginx')
    .describe('The service: `nginx`; with systemd also another unit: `backup.timer`.'),
  state: z
    .enum(['running', 'started', 'stopped', 'restarted', 'reloaded'])
    .optional()
    .describe(
      '`running` (`started` is the same) or `stopped`: as it shall be now. `restarted`, `reloaded`: done every time, for notifications; a service which is stopped is started, one which cannot reload is restarted. Default: left as it is.',
    ),
  enabled: truth.optional().describe('Whether it starts at boot. Default: left as it is.'),
  process: z
    .string()
    .regex(/^[^\0/-][^\0/]*$/, 'expected the name of a program, without its path')
    .optional()
    .describe(
      'The name of its program, for scripts in /etc/init.d which cannot tell whether it runs. Default: the name of the service.',
    ),
  init: z
    .enum(['auto', 'systemd', 'openrc', 'sysv'])
    .default('auto')
    .describe('The init system. Default: `auto`, the one which runs the target.'),
}).refine(({ state, enabled }) => state !== undefined || enabled !== undefined, {
  path: ['state'],
  error: 'is missing; give a state, or enabled, or both',
})
type Options = z.output<typeof schema>

const INITS = { systemd, openrc, sysv }

/** `settled [!] COMMAND...`: waits up to ten seconds for it to hold, and complains when it does not. */
const LIBRARY = `${Object.values(INITS)
  .map(({ library }) => library)
  .join('')}settled() {
w=yes
[ "$1" = ! ] && w=no && shift
i=0
while :; do
if "$@"; then y=yes; else y=no; fi
[ $y = $w ] && return 0
[ $((i += 1)) -gt 50 ] && break
sleep 0.2 2>/dev/null || { sleep 1; i=$((i + 4)); }
done
printf '%s\\n' "$o" | tail -n 2 >&2
[ $w = yes ] && echo 'its start went well, they say, but it does not run' >&2
[ $w = no ] && echo 'its stop went well, they say, but it still runs' >&2
return 1
}
init_of() {
if [ "$1" != auto ]; then echo "$1"
elif [ -d /run/systemd/system ]; then echo systemd
elif [ -e /run/openrc/softlevel ]; then echo openrc
elif [ -d /etc/init.d ]; then echo sysv
else echo 'no init system which this actor knows (systemd, OpenRC, scripts in /etc/init.d)' >&2; return 1
fi
}
probe_service() {
m=$(init_of "$1") || exit 1
echo "init $m"
\${m}_known "$2" || exit 0
echo known
\${m}_running "$2" && echo running
echo "enabled $(\${m}_enabled "$2")"
}
act_on_service() {
m=$(init_of "$1") || exit 1
\${m}_known "$3" || { [ $m = systemd ] && systemctl daemon-reload && systemd_known "$3"; } || { echo "there is no service $3 here ($m)" >&2; exit 1; }
\${m}_do $2 "$3"
}
`

export const service = convergent<Options, Options>({
  name: 'service',
  summary: 'keep a service running or stopped, now and at boot; restart or reload it',
  schema,
  subject: ({ name }) => name,
  desiredState: async options => options,
  probe: desired =>
    withLibrary(LIBRARY, `${settings(desired)}probe_service ${desired.init} ${quote(desired.name)}; exit 0`),
  plan: (desired, result) => planService(desired, stateOf(result)),
})

const settings = ({ process }: Options): string => (process === undefined ? '' : `process=${quote(process)}\n`)

const stateOf = ({ stdout }: ProbeResult): ServiceState => {
  const lines = Buffer.from(stdout).toString().split('\n')
  const enabled = lines.find(line => line.startsWith('enabled '))?.slice('enabled '.length)
  return {
    known: lines.includes('known'),
    running: lines.includes('running'),
    enabled: enabled === 'yes' || enabled === 'static' || enabled === 'masked' ? enabled : 'no',
  }
}

const planService = (desired: Options, state: ServiceState): Plan => {
  const now = actionNow(desired.state, state.running)
  const boot = actionAtBoot(desired.enabled, state.enabled)
  if (state.enabled === 'masked' && (boot === 'enable' || (now !== undefined && now !== 'stop')))
    return impossible(`it is masked; "systemctl unmask ${desired.name}" allows it again`)
  // What shall run from now on is enabled first, so that it is not forgotten when its start fails.
  const actions = [boot === 'enable' ? boot : undefined, now, boot === 'disable' ? boot : undefined]
  const changes = actions.flatMap(action => (action === undefined ? [] : [change(desired, action, state.known)]))
  if (changes.length > 0) return { kind: 'change', changes }
  if (!state.known) return { kind: 'converged', detail: `there is no service ${desired.name}` }
  return desired.enabled === true && state.enabled === 'static'
    ? { kind: 'converged', detail: `${desired.name} cannot be enabled by itself: other units start it` }
    : CONVERGED
}

const actionNow = (wanted: Options['state'], isRunning: boolean): Action | undefined => {
  switch (wanted) {
    case 'running':
    case 'started':
      return isRunning ? undefined : 'start'
    case 'stopped':
      return isRunning ? 'stop' : undefined
    case 'restarted':
      return 'restart'
    case 'reloaded':
      return 'reload'
    case undefined:
      return undefined
  }
}

const actionAtBoot = (wanted: boolean | undefined, enabled: ServiceState['enabled']): Action | undefined => {
  if (wanted === true) return enabled === 'yes' || enabled === 'static' ? undefined : 'enable'
  return wanted === false && enabled === 'yes' ? 'disable' : undefined
}

/** A service which is not known may come with a package which is installed before. */
const change = (desired: Options, action: Action, known: boolean): Change => ({
  what: known ? action : `${action} (no such service so far)`,
  steps: [
    {
      kind: 'run',
      script: `${RUN}${LIBRARY}${settings(desired)}act_on_service ${desired.init} ${action} ${quote(desired.name)}\n`,
    },
  ],
})
