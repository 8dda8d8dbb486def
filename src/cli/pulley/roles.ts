/** The value of a role. */
import { ROLE_NAME } from '../../pulley/protocol/limits.ts'
import { textLike } from '../options/values.ts'

export const roleName = textLike(ROLE_NAME, 'a plain word of at most 64 characters: letters, digits, _ . -')
