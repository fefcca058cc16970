import { Link, Outlet } from '@tanstack/react-router'
import { CircleHelp, Keyboard, LogOut, Menu, Search } from 'lucide-react'
import { useState } from 'react'
import { type Session, signOut, useSession } from '../session/session.ts'
import { SignedOutNotice } from '../session/signed-out-notice.tsx'
import { Button } from '../ui/button.tsx'
import { CommandPalette } from './command-palette.tsx'
import { LiveProvider, useConnection } from './live-provider.tsx'
import { usePlaces } from './navigation.ts'
import styles from './shell.module.css'
import { ShortcutsDialog } from './shortcuts-dialog.tsx'
import { useShortcuts } from './shortcuts.ts'
import { ThemeMenu } from './theme-menu.tsx'

/** Menu, search and who is here, around every page but the one to sign in. */
export function Shell() {
  const session = useSession()
  if (session.data === undefined) return null
  return (
    <LiveProvider>
      <Frame session={session.data} />
    </LiveProvider>
  )
}

function Frame({ session }: { session: Session }) {
  const [menu, setMenu] = useState(false)
  const [palette, setPalette] = useState(false)
  const [help, setHelp] = useState(false)
  useShortcuts({
    openPalette: () => setPalette(true),
    openHelp: () => setHelp(true),
  })
  return (
    <div className={styles.shell}>
      <a className={styles.skip} href="#main">
        Skip to the content
      </a>
      <header className={styles.top}>
        <button
          type="button"
          className={styles.menuButton}
          aria-label="Menu"
          aria-expanded={menu}
          aria-controls="places"
          onClick={() => setMenu(!menu)}
        >
          <Menu size={20} aria-hidden />
        </button>
        <Link to="/" className={styles.brand}>
          <img src="/favicon.svg" alt="" width={24} height={24} />
          Slipway
        </Link>
        <button type="button" className={styles.search} onClick={() => setPalette(true)}>
          <Search size={16} aria-hidden />
          <span>Search or go to…</span>
          <kbd>/</kbd>
        </button>
        <ConnectionNote />
        <div className={styles.tools}>
          <Button tone="quiet" size="small" aria-label="Keyboard" onClick={() => setHelp(true)}>
            <Keyboard size={18} aria-hidden />
          </Button>
          <ThemeMenu />
          <span className={styles.who} title={session.roles.join(', ')} dir="auto">
            {session.name}
          </span>
          <Button tone="quiet" size="small" aria-label="Sign out" onClick={() => void signOut()}>
            <LogOut size={18} aria-hidden />
          </Button>
        </div>
      </header>
      <nav
        id="places"
        aria-label="Places"
        className={`${styles.places} ${menu ? styles.open : ''}`}
        onClick={() => setMenu(false)}
      >
        <ul>
          {usePlaces().map(({ path, label, icon: Icon }) => (
            <li key={path}>
              <Link
                to={path}
                className={styles.place}
                activeProps={{ 'data-active': true }}
                activeOptions={{ exact: path === '/' }}
              >
                <Icon size={18} aria-hidden />
                {label}
              </Link>
            </li>
          ))}
          <li>
            <a href="/help/" className={styles.place}>
              <CircleHelp size={18} aria-hidden />
              Help
            </a>
          </li>
        </ul>
      </nav>
      <main id="main" className={styles.main} tabIndex={-1}>
        <SignedOutNotice />
        <Outlet />
      </main>
      <CommandPalette open={palette} onOpenChange={setPalette} />
      <ShortcutsDialog open={help} onOpenChange={setHelp} />
    </div>
  )
}

const notes = {
  connecting: 'Connecting',
  live: 'Live',
  polling: 'Polling, every 5 s',
  'signed-out': 'Signed out',
} as const

function ConnectionNote() {
  const connection = useConnection()
  return (
    <span className={styles.connection} data-connection={connection} role="status">
      <span className={styles.dot} aria-hidden />
      <span className={styles.note}>{notes[connection]}</span>
    </span>
  )
}
