/** `template`: any other file, from a template of the site's own. */
import * as z from 'zod'
import { fileMode } from '../../config/fields.ts'
import { text } from '../../config/shape.ts'
import type { Format } from '../../template/template.ts'
import { FORMATS } from '../formats/formats.ts'
import { fromTemplate } from './from-template.ts'
import type { Service } from './service.ts'
import { changeOf, commandsOf, parseSettings, path, words } from './settings.ts'
import { viewOf } from './view.ts'

/** What stands for the file in the words of a check. */
const FILE = '{}'

export const template: Service = {
  name: 'template',
  summary: "any other file, from a template of the site's own",
  groups: true,
  configure(input) {
    const settings = parseSettings(
      {
        /** The template's file. */
        template: text,
        /** The file which is written. */
        output: path,
        /** What kind of file it is, and so how values have to be written in it. */
        format: z.enum(Object.keys(FORMATS) as (keyof typeof FORMATS)[]),
        mode: fileMode.default(0o644),
        /** The command which says whether a candidate is good; `{}` stands for its path. */
        check: words
          .refine(all => all.some(word => word.includes(FILE)), 'has no word with {}, which stands for the file')
          .optional(),
      },
      input,
    )
    const { check } = settings
    const format: Format = FORMATS[settings.format]
    return {
      async files(site, templates) {
        const data = { ...viewOf(site, settings), settings, values: settings.values }
        return [
          {
            ...(await fromTemplate(templates, settings.template, format, data)),
            path: settings.output,
            mode: settings.mode,
            onChange: changeOf(settings),
            ...(check && { check: candidate => check.map(word => word.replaceAll(FILE, () => candidate)) }),
          },
        ]
      },
      ...commandsOf(settings),
    }
  },
}
