import { Toast as Primitive } from 'radix-ui'
import { createContext, type ReactNode, useCallback, useContext, useState } from 'react'
import styles from './toast.module.css'

interface Message {
  id: number
  tone: 'good' | 'bad'
  text: string
}

const ToastContext = createContext<(tone: Message['tone'], text: string) => void>(() => {})

/** Says in the corner what came of something that was asked for. */
export function useToast() {
  return useContext(ToastContext)
}

const most = 4

export function ToastProvider({ children }: { children: ReactNode }) {
  const [messages, setMessages] = useState<readonly Message[]>([])
  const say = useCallback((tone: Message['tone'], text: string) => {
    setMessages((shown) => [...shown, { id: (shown.at(-1)?.id ?? 0) + 1, tone, text }].slice(-most))
  }, [])
  return (
    <ToastContext value={say}>
      <Primitive.Provider duration={6000}>
        {children}
        {messages.map(({ id, tone, text }) => (
          <Primitive.Root
            key={id}
            type={tone === 'bad' ? 'foreground' : 'background'}
            className={`${styles.toast} ${styles[tone]}`}
            onOpenChange={(open) => {
              if (!open) setMessages((shown) => shown.filter((message) => message.id !== id))
            }}
          >
            <Primitive.Title>{text}</Primitive.Title>
          </Primitive.Root>
        ))}
        <Primitive.Viewport className={styles.viewport} />
      </Primitive.Provider>
    </ToastContext>
  )
}
