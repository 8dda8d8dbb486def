/** Where the parts of the package lie, which its code looks for when it runs: from the source, and as `build.ts` makes it. */
import { findPackageJSON } from 'node:module'
import { dirname, extname, join } from 'node:path'

const root = (): string => dirname(findPackageJSON('..', import.meta.url) ?? import.meta.dirname)

/** The templates which come with the program. */
export const templatesFolder = (): string => join(root(), 'templates')

/** The agent's single file; there when it was built. */
export const agentFile = (): string => join(root(), 'dist/pulley-agent.mjs')

/** A module which others import, such as `library/errors`: the very one which is running. */
export const moduleFile = (name: string): string =>
  extname(import.meta.filename) === '.ts' ? join(root(), 'src', `${name}.ts`) : join(root(), 'dist', `${name}.js`)
