/** Whether a packed package is fit to be published: its size, what it says of itself, and whether it runs by itself. */
import { execFile } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { mkdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** What a package may have at most. Whoever needs more raises it on purpose. */
export const CEILING = { packedBytes: 3_000_000, unpackedBytes: 11_000_000, files: 400 } as const

interface Manifest {
  readonly version: string
  readonly bin: Readonly<Record<string, string>>
  readonly man: readonly string[]
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>
  readonly [key: string]: unknown
}

/** Unpacks the tarball into `folder`, which is made, and returns the folder of the package. */
export const unpack = async (tarball: string, folder: string): Promise<string> => {
  await mkdir(folder, { recursive: true })
  await run('tar', ['-xzf', tarball, '-C', folder])
  return join(folder, 'package')
}

/** All that is wrong with a tarball and what was unpacked of it; `home` is an empty folder to run it in. */
export const verifyPackage = async (tarball: string, unpacked: string, home: string): Promise<readonly string[]> => {
  const manifest: Manifest = JSON.parse(await readFile(join(unpacked, 'package.json'), 'utf8'))
  return [
    ...(await tooLarge(tarball, unpacked)),
    ...missing(manifest, unpacked),
    ...(await foreignTypes(unpacked)),
    ...(await doesNotRun(manifest, unpacked, home)),
  ]
}

const tooLarge = async (tarball: string, unpacked: string): Promise<readonly string[]> => {
  const files = globSync('**', { cwd: unpacked, withFileTypes: true }).filter(one => one.isFile())
  const sizes = await Promise.all(files.map(async one => (await stat(join(one.parentPath, one.name))).size))
  const found = {
    packedBytes: (await stat(tarball)).size,
    unpackedBytes: sizes.reduce((sum, size) => sum + size, 0),
    files: files.length,
  }
  return Object.entries(CEILING).flatMap(([what, most]) => {
    const is = found[what as keyof typeof CEILING]
    return is > most ? [`${what}: ${is}, at most ${most} are allowed`] : []
  })
}

const NEEDLESS = ['dependencies', 'optionalDependencies', 'peerDependencies', 'devDependencies', 'scripts']

const missing = (manifest: Manifest, unpacked: string): readonly string[] => {
  const needed = NEEDLESS.filter(key => manifest[key] !== undefined)
  const exported = Object.values(manifest.exports).flatMap(one =>
    typeof one === 'string' ? [one] : Object.values(one),
  )
  const absent = [...Object.values(manifest.bin), ...manifest.man, ...exported, 'LICENSE', 'dist/LICENSES.txt'].filter(
    path => !existsSync(join(unpacked, path)),
  )
  return [
    ...needed.map(key => `package.json has ${key}: all that runs is bundled, and nothing is to run on installation`),
    ...absent.map(path => `${path} is not there`),
  ]
}

/** Declarations need nothing which the package does not have. */
const foreignTypes = async (unpacked: string): Promise<readonly string[]> => {
  const files = globSync('**/*.d.ts', { cwd: unpacked })
  const texts = await Promise.all(
    files.map(async path => ({ path, text: await readFile(join(unpacked, path), 'utf8') })),
  )
  return texts.flatMap(({ path, text }) =>
    [...text.matchAll(/\bfrom '(?!\.\/)([^']+)'|\bimport\('([^']+)'\)/g)].map(
      ([, from, dynamic]) => `${path} needs the types of ${from ?? dynamic}`,
    ),
  )
}

/** Runs the programs with this Node, in a folder where no packages are found. */
const doesNotRun = async (manifest: Manifest, unpacked: string, home: string): Promise<readonly string[]> => {
  const { version, bin } = manifest
  const program = (name: string) => join(unpacked, bin[name] ?? name)
  const lab = ['lab', '--count', '3', '--', 'stoker', 'run', 'shell', 'lab01,@all', '--', 'hostname']
  const problems: string[] = []
  for (const [name, words, stream, expected] of [
    ['stoker', ['--version'], 'stdout', `stoker ${version}\n`],
    ['pulley', ['--version'], 'stdout', `pulley ${version}\n`],
    ['pulley-agent', ['--version'], 'stdout', `pulley-agent ${version}\n`],
    ['stoker', lab, 'stderr', '3 targets: 3 ok'],
  ] as const) {
    const env = { PATH: process.env.PATH, HOME: home }
    const { stdout, stderr } = await run(process.execPath, [program(name), ...words], { cwd: home, env }).catch(
      ({ stdout = '', stderr = '', message }) => ({ stdout, stderr: `${stderr}${message}` }),
    )
    const said = stream === 'stdout' ? stdout : stderr
    if (!said.includes(expected)) problems.push(`${[name, ...words].join(' ')}: ${stdout}${stderr}`)
  }
  return problems
}
