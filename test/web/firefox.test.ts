// A real Firefox.
import { declareWalk } from '../support/browsers/declare-walk.ts'
import { startFirefox } from '../support/browsers/start-firefox.ts'

declareWalk('firefox', startFirefox)
