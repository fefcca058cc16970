// A real WebKit, as in Safari and in GNOME's browser.
import { declareWalk } from '../support/browsers/declare-walk.ts'
import { startWebKit } from '../support/browsers/start-webkit.ts'

declareWalk('webkit', startWebKit)
