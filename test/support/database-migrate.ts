/** A process that migrates: `database-migrate.ts <url> <directory>`; prints what it applied as JSON. */
import { migrate } from '../../packages/server/src/db/migrate.ts'
import { openDatabase } from '../../packages/server/src/db/open-database.ts'
import { quietLog } from './quiet-log.ts'

const [, , url = '', directory = ''] = process.argv
const database = await openDatabase({ url, log: quietLog })
const applied = await migrate({ pool: database.pool, log: quietLog }, directory)
await database.close()
process.stdout.write(JSON.stringify(applied))
