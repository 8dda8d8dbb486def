/** Keeps packages installed, at their newest or a given version, or away: with apt, dnf, zypper or apk. */
import * as z from 'zod'
import { parseAge, parseDuration } from '../../src/base/duration.ts'
import { quote } from '../../src/base/quote.ts'
import { truth, wordList } from '../../src/config/fields.ts'
import { mapping } from '../../src/config/shape.ts'
import { withLibrary } from '../../src/converge/batch.ts'
import { convergent } from '../../src/converge/convergent-actor.ts'
import { impossible } from '../files/text-file.ts'
import { apk } from './apk.ts'
import { apt } from './apt.ts'
import { dnf } from './dnf.ts'
import { type DesiredPackage, type Manager, sectionsOf } from './manager.ts'
import { type DesiredPackages, planPackages } from './plan.ts'
import { zypper } from './zypper.ts'

const MANAGERS: Readonly<Record<'apt' | 'dnf' | 'zypper' | 'apk', Manager>> = { apt, dnf, zypper, apk }

// No leading dash, which is an option; no trailing one, with which apt removes a package; no patterns and no paths.
const NAME = /^[\p{L}\p{N}_][\p{L}\p{N}._+:@()~-]*(?<!-)$/u
const VERSION = /^[\p{L}\p{N}*][\p{L}\p{N}.+~:^*_-]*$/u

const names = wordList.transform((words, context): readonly DesiredPackage[] =>
  words.map((word, index) => {
    const at = word.indexOf('=')
    const [name, version] = at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)]
    const wrong = !NAME.test(name)
      ? `${JSON.stringify(name)} is no name of a package`
      : version !== undefined && !VERSION.test(version)
        ? `${JSON.stringify(version)} is no version`
        : words.some((other, before) => before < index && other.split('=')[0] === name)
          ? `${name} is there twice`
          : undefined
    if (wrong !== undefined) context.addIssue({ code: 'custom', message: wrong })
    return { name, ...(version !== undefined && { version }) }
  }),
)

/** A length of time as seconds. */
const seconds = (parse: (input: string | number) => number) =>
  z.union([z.string(), z.number()]).transform((input, context) => {
    try {
      return Math.ceil(parse(input) / 1000)
    } catch (thrown) {
      context.addIssue({ code: 'custom', message: (thrown as Error).message })
      return z.NEVER
    }
  })

const schema = mapping({
  name: names.describe(
    'The packages, as the target’s own manager calls them: `nginx`, or many in one transaction: `nginx, cron`. A version can be asked for: `nginx=1.22.1`; `*` stands for anything: `nginx=1.22.*`, and what follows the last dash (the package’s revision) can be left out.',
  ),
  state: z
    .enum(['installed', 'present', 'latest', 'absent'])
    .default('installed')
    .describe(
      '`installed` (default; `present` is the same): there, in whichever version, or in the one asked for. `latest`: the newest which the index on the target knows; a held package stays as it is. `absent`: not there.',
    ),
  version: z
    .string()
    .regex(VERSION, 'expected a version, such as "1.22.1" or "1.22.*"')
    .optional()
    .describe('The version, where there is one name only: `1.22.*`; may be older than what is installed.'),
  purge: truth
    .default(false)
    .describe('With `state: absent`: remove settings in /etc as well (apt and apk). Default: false.'),
  recommends: truth
    .optional()
    .describe(
      'Whether recommended packages are installed as well (apt, dnf, zypper). Default: as the target is set up.',
    ),
  'max-age': seconds(parseAge)
    .default(86_400)
    .describe(
      'How old the index of packages on the target may be when something is to be installed, or when `latest` is wanted; an older one is refreshed first. Seconds, or a time such as `30m`, `12h`, `7d`; `0`: always refreshed. Default: `1d`. Nothing is refreshed when nothing is to be done.',
    ),
  wait: seconds(parseDuration)
    .default(120)
    .describe('How long to wait while another program works with the packages: seconds, or `5m`. Default: `2m`.'),
  manager: z
    .enum(['auto', 'apt', 'dnf', 'zypper', 'apk'])
    .default('auto')
    .describe('The package manager. Default: `auto`, the one which the target’s system is made of.'),
})
  .refine(({ name, version }) => version === undefined || name.length === 1, {
    path: ['version'],
    error: 'is for one package; with several write NAME=VERSION',
  })
  .refine(({ name, version }) => version === undefined || name[0]?.version === undefined, {
    path: ['version'],
    error: 'stands in `name` already',
  })
  .refine(({ name, version, state }) => state !== 'latest' || (!version && name.every(one => !one.version)), {
    path: ['state'],
    error: 'latest and a version exclude each other',
  })
type Options = z.output<typeof schema>

interface ProbedPackages extends DesiredPackages {
  readonly manager: Options['manager']
}

/** Every manager's own probe, and how to find out which is the target's: the one that its system is recorded in. */
const LIBRARY = `${Object.values(MANAGERS)
  .map(({ probe }) => probe)
  .join('')}probe_at_packages() {
m=$1 need=$2
shift 2
has() { command -v $1 >/dev/null 2>&1; }
if [ $m != auto ]; then :
elif [ -s /var/lib/dpkg/status ] && has apt-get; then m=apt
elif has apk; then m=apk
elif has zypper; then m=zypper
elif has dnf; then m=dnf
else echo 'no package manager which this actor knows (apt, dnf, zypper, apk)' >&2; exit 1
fi
case $m in apt) has apt-get ;; *) has $m ;; esac || { echo "there is no $m here" >&2; exit 1; }
echo '= manager'
echo $m
probe_$m "$@"
}
`

export const packages = convergent<Options, ProbedPackages>({
  name: 'package',
  summary: 'keep packages installed, up to date, or away',
  schema,
  subject: ({ name }) => name.map(one => one.name).join(', '),
  async desiredState({ name, version, state, purge, recommends, 'max-age': maxAge, wait, manager }) {
    return {
      packages: version === undefined ? name : name.map(one => ({ ...one, version })),
      state: state === 'present' ? 'installed' : state,
      ...{ purge, recommends, maxAge, wait, manager },
    }
  },
  probe({ packages, state, manager }) {
    const need = state === 'latest' || (state === 'installed' && packages.some(one => one.version !== undefined))
    const refreshPolicy = state === 'absent' ? 'never' : need ? 'always' : 'missing'
    return withLibrary(
      LIBRARY,
      `probe_at_packages ${manager} ${refreshPolicy} ${packages.map(({ name }) => quote(name)).join(' ')}; exit 0`,
    )
  },
  plan(desired, { stdout }) {
    const sections = sectionsOf(Buffer.from(stdout).toString())
    const found = sections.get('manager')?.[0] as keyof typeof MANAGERS | undefined
    const manager = found && MANAGERS[found]
    if (!manager) return impossible('the probe of its packages printed nothing')
    const names = desired.packages.map(({ name }) => name)
    return planPackages(desired, manager.read(sections, names), manager)
  },
})
