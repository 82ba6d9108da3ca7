import { describe } from 'vitest'
import { factSourceContract } from '../../contract/fact-source.contract.ts'
import { organizationRepositoryContract } from '../../contract/organization-repository.contract.ts'
import { userRepositoryContract } from '../../contract/user-repository.contract.ts'
import { flavours } from '../../support/better-auth-tables.ts'
import { postgresTables } from '../../support/postgres-tables.ts'

describe.each(flavours)('PostgreSQL with the $adapter tables and $ids ids', (flavour) => {
  const open = () => postgresTables(flavour)
  factSourceContract(open)
  userRepositoryContract(open)
  organizationRepositoryContract(open)
})
