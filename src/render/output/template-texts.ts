/** Where templates are: the site's own, and those which come with the program. */
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { StokerError } from '../../base/errors.ts'
import { homeFolder } from '../../base/folders.ts'
import { templatesFolder } from '../../base/package-paths.ts'
import { readText } from '../../config/read-text.ts'
import { resolvePath } from '../../config/resolve-path.ts'
import type { TemplateTexts } from '../services/service.ts'

/**
 * A template of the site has precedence: the one in `own` (`*` stands for the only one which the service has), else a file
 * of that name in the folder `templates` beside the configuration. A name which is none of the program's own is a file
 * relative to `folder`, that of the configuration, as `./page.hbs` always is. Throws `CONFIG` naming a file which cannot be read.
 */
export const templateTexts = (folder: string, own: ReadonlyMap<string, string>): TemplateTexts => {
  const io = { signal: new AbortController().signal }
  const requested = new Set<string>()
  return async name => {
    requested.add(name)
    const path = own.get(name) ?? own.get('*') ?? pathOf(name, folder)
    if (path !== undefined) {
      if (own.has('*') && requested.size > 1) throw several([...requested])
      return { name: path, text: await readText(path, io) }
    }
    for (const [file, shown] of [
      [join(folder, 'templates', name), join(folder, 'templates', name)],
      [join(templatesFolder(), name), `templates/${name}`],
    ] as const)
      if (await exists(file)) return { name: shown, text: await readText(file, io) }
    const beside = join(folder, name)
    return { name: beside, text: await readText(beside, io) }
  }
}

const exists = async (path: string): Promise<boolean> =>
  await access(path).then(
    () => true,
    () => false, // not there, or not for us: the next place, and in the end an error which names a file
  )

const pathOf = (name: string, folder: string): string | undefined =>
  /^(?:\.{0,2}|~)\//.test(name) ? resolvePath(name, folder, homeFolder()) : undefined

const several = (names: readonly string[]): StokerError =>
  new StokerError(
    'CONFIG',
    'template',
    `template: this service has several; name them: templates: {${names.join(': ..., ')}: ...}`,
  )
