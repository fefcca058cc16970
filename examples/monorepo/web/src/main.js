import { formatPrice } from './format.js'

const form = document.querySelector('form')
const result = document.querySelector('output')

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  const query = new URLSearchParams(new FormData(form))
  const response = await fetch(`/quote?${query}`)
  const body = await response.json()
  result.textContent = response.ok ? formatPrice(body.price) : body.error
})
