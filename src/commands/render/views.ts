/** What `stoker render` shows without changing anything: the texts, the versions, where a host's lines come from. */
import { mkdir, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Abortable } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import { age } from '../../inventory/cache/age.ts'
import { originText, type Problem } from '../../render/data/problem.ts'
import { compareFile } from '../../render/output/compare.ts'
import { harmlessParagraph } from '../../render/run/format-result.ts'
import type { Render } from '../../render/run/open-render.ts'
import { type ReadSite, readFor } from '../../render/run/read-site.ts'
import type { Sinks } from '../../report/sink.ts'

interface ViewContext extends Abortable {
  readonly sinks: Sinks
}

/** `--out`: the texts, to standard output, a file, or below a folder. */
export const printFiles = async (
  renders: readonly Render[],
  out: string,
  read: ReadSite,
  { sinks, warn, signal }: ViewContext & { readonly warn: (notice: string) => void },
): Promise<number> => {
  const files: { readonly path: string; readonly content: Buffer; readonly mode: number }[] = []
  for (const one of renders) {
    const found = (problems: readonly Problem[]) => {
      for (const { verdict, message } of problems) if (verdict !== 'error') warn(`${one.name}: ${message}`)
    }
    const site = await readFor(one, read, { signal, found })
    for (const rendered of await one.service.files(site, one.templates)) {
      const { file } = await compareFile(rendered, new Date())
      files.push(file)
    }
  }
  const [first] = files
  if (out === '-') {
    for (const { path, content } of files) {
      if (files.length > 1) await sinks.stdout.write(`==> ${path} <==\n`)
      await sinks.stdout.write(content)
    }
  } else if (await isFolder(out)) {
    for (const { path, content, mode } of files) await write(join(out, within(path, files)), content, mode)
  } else if (files.length === 1 && first) await write(out, first.content, first.mode)
  else {
    const message = `these are ${files.length} files; --out takes a folder for them (with a / at its end), or -`
    throw new StokerError('USAGE', '--out', message)
  }
  return 0
}

const isFolder = async (path: string): Promise<boolean> =>
  path.endsWith('/') || ((await stat(path).catch(() => undefined))?.isDirectory() ?? false) // not there: to be a file

/** The file's name below the folder; where two are called the same, with the folders which they are in. */
const within = (path: string, files: readonly { readonly path: string }[]): string =>
  files.filter(one => basename(one.path) === basename(path)).length > 1 ? path : basename(path)

const write = async (path: string, content: Buffer, mode: number): Promise<void> => {
  try {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, content, { mode })
  } catch (cause) {
    throw new StokerError('RENDER_FAILED', path, `${path}: cannot be written: ${(cause as Error).message}`, { cause })
  }
}

/** `--versions`: what a rollback could go back to. */
export const printVersions = async (
  renders: readonly Render[],
  { stdout }: Sinks,
  { json }: { readonly json?: boolean },
): Promise<number> => {
  const { listVersions } = await import('../../render/output/versions.ts')
  const now = Date.now()
  for (const { name, state } of renders) {
    const versions = await listVersions(state.folder)
    if (versions.length === 0 && !json) await stdout.write(`${name}: none was kept yet\n`)
    for (const [i, { at, size, files }] of versions.entries()) {
      const paths = files.map(({ path }) => path)
      const until = new Date(at).toISOString().replace(/\..*/, 'Z')
      const hosts = size ? `, ${size.hosts} hosts` : ''
      await stdout.write(
        json
          ? `${JSON.stringify({ render: name, version: i + 1, until, ...size, files: paths })}\n`
          : `${name}: ${i + 1}: until ${until} (${age(now - at)} ago)${hosts}: ${paths.join(' ')}\n`,
      )
    }
  }
  return 0
}

/** `--explain`: the lines of a host, with the template's line, and who said so. */
export const printExplanations = async (
  renders: readonly Render[],
  host: string,
  read: ReadSite,
  { sinks: { stdout }, json, signal }: ViewContext & { readonly json?: boolean },
): Promise<number> => {
  const { explain } = await import('../../render/run/explain.ts')
  for (const one of renders)
    for (const explanation of await explain(one, host, read, { signal })) {
      const { name, origins, files } = explanation
      if (json) {
        await stdout.write(`${JSON.stringify(explanation)}\n`)
        continue
      }
      await stdout.write(`${name}: ${explanation.host}: ${origins.map(originText).join(', then ')}\n`)
      for (const { path, template, lines } of files) {
        if (lines.length === 0) await stdout.write(`${path}: not in it\n`)
        for (const { number, text, from } of lines) {
          const made = from === undefined ? '' : `  [${template}:${from}]`
          await stdout.write(`${path}:${number}: ${harmlessParagraph(text)}${made}\n`)
        }
      }
    }
  return 0
}
