import { createLink } from '@tanstack/react-router'
import type { AnchorHTMLAttributes } from 'react'
import type { ButtonProps } from './button.tsx'
import styles from './button.module.css'

type Props = AnchorHTMLAttributes<HTMLAnchorElement> & Pick<ButtonProps, 'tone' | 'size'>

function Anchor({ tone = 'plain', size = 'normal', className, ...rest }: Props) {
  const classes = [styles.button, styles[tone], styles[size], className]
  return <a {...rest} className={classes.filter(Boolean).join(' ')} />
}

/** What leads to a page where something new is made: it looks like the button that would make it. */
export const LinkButton = createLink(Anchor)
