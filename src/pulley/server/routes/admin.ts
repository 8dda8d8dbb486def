/**
 * What administrators may ask: the operator makes VOs and looks at them; who holds a VO's key does everything else, in that
 * VO alone. Documents are checked here, so that mistakes are told at once; nodes check them again, and only that counts.
 */

import type { Context } from '../context.ts'
import type { Api } from '../http/api.ts'
import { actionRoutes } from './admin-actions.ts'
import { bundleRoutes } from './admin-bundles.ts'
import { identityRoutes } from './admin-identities.ts'

export const adminRoutes = (api: Api, context: Context): void => {
  identityRoutes(api, context)
  bundleRoutes(api, context)
  actionRoutes(api, context)
}
