import { createLink } from '@tanstack/react-router'
import type { AnchorHTMLAttributes } from 'react'
import styles from './button.module.css'

function Anchor({ className, ...rest }: AnchorHTMLAttributes<HTMLAnchorElement>) {
  const classes = [styles.button, styles.primary, styles.normal, className]
  return <a {...rest} className={classes.filter(Boolean).join(' ')} />
}

/** What leads to a page where something new is made: it looks like the button that would make it. */
export const LinkButton = createLink(Anchor)
