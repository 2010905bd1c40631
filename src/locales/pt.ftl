### Portuguese.

## Mails

date-and-time =
    { $day } de { $month ->
        [1] janeiro
        [2] fevereiro
        [3] março
        [4] abril
        [5] maio
        [6] junho
        [7] julho
        [8] agosto
        [9] setembro
        [10] outubro
        [11] novembro
       *[12] dezembro
    } de { $year }, { $time } UTC

mail =
    .greeting = Olá,
    .link-works-until = O link funciona uma única vez, até { $until }.

inviter =
    .named = { $name }
    .marketo-admin = O administrador do Marketo
    .admin = Um administrador

invitation-mail =
    .subject = Convite para { $instance } no Sales Insight Actions
    .invited = { $inviter } convidou você para { $instance } no Sales Insight Actions.
    .open-link = Abra este link para ativar a sua conta:
    .unexpected = Se você não esperava esta mensagem, ignore-a: nada acontece enquanto o link não for usado.

password-reset-mail =
    .subject = Uma nova senha para { $instance } no Sales Insight Actions
    .requested = Foi solicitada uma nova senha para a sua conta de { $instance } no Sales Insight Actions.
    .open-link = Abra este link para escolhê-la:
    .unexpected = Se não foi você, ignore esta mensagem: a sua senha permanece como está.

sync-complete-mail =
    .subject = A sincronização de pessoas de { $instance } foi concluída
    .ending = A sincronização de pessoas de { $instance } foi concluída.

sync-failed-mail =
    .subject = A sincronização de pessoas de { $instance } falhou
    .ending = A sincronização de pessoas de { $instance } falhou.
    .what = O que aconteceu (em inglês): { $what }
    .remedy = O que fazer (em inglês): { $remedy }

sync-notice-mail =
    .run = Execução { $run }
    .read = Lidas do Marketo: { $count }
    .qualified = Qualificadas: { $count }
    .added = Adicionadas: { $count }
    .changed = Alteradas: { $count }
    .unchanged = Inalteradas: { $count }
    .removed = Removidas: { $count }
    .rejected = Linhas não utilizáveis: { $count }

## Pages

activation-page =
    .title = Ative a sua conta de { $instance }
    .invited = { $email } recebeu um convite para { $instance } no Sales Insight Actions.
    .log-in-as = Faça login no Salesforce com o usuário cujo endereço de e-mail é { $email }.
    .log-in-production = Fazer login com o Salesforce
    .log-in-sandbox = Fazer login com um sandbox do Salesforce
    .log-in-my-domain = Fazer login com o My Domain
    .my-domain-label = My Domain, por exemplo acme.my.salesforce.com
    .password-label = Ou escolha uma senha de pelo menos { $shortest } caracteres
    .use-password = Ativar com esta senha

activated-page =
    .title = A sua conta está ativa
    .text = Você fez login como { $email }. Você pode fechar esta janela.

password-reset-page =
    .title = Escolha uma nova senha
    .text = Para { $email }. As suas sessões serão encerradas em toda parte, e você fará login com a nova senha.
    .password-label = Uma senha de pelo menos { $shortest } caracteres
    .button = Definir esta senha

password-set-page =
    .title = A sua senha foi definida
    .text = Faça login com ela. As suas outras sessões foram encerradas.

salesforce-connected-page =
    .title = O Salesforce está conectado
    .text = Uma chamada de teste foi bem-sucedida. Você pode fechar esta janela e continuar a configuração.

salesforce-needs-attention-page =
    .title = O Salesforce requer atenção
    .text = A autorização foi concluída, mas uma chamada de teste falhou (em inglês):

## Problems

problem-link-unknown =
    .title = Este link de ativação não é conhecido
    .text = Use sem alterações o link da mensagem de convite mais recente.

problem-link-used =
    .title = Este link de ativação já foi usado
    .text = Se foi você, faça login.

problem-link-expired =
    .title = Este link de ativação expirou
    .text = Peça um novo convite à pessoa que convidou você.

problem-link-revoked =
    .title = Este convite foi revogado
    .text = Se você acha que é um engano, fale com a pessoa que convidou você.

problem-link-replaced =
    .title = Um link mais recente substituiu este
    .text = Uma mensagem mais recente contém outro link, que é o que funciona. Abra esse.

problem-password-activation-off =
    .title = Esta forma de ativação está desativada
    .text = Faça login no Salesforce para ativar a sua conta.

problem-email-mismatch =
    .title = O usuário do Salesforce tem outro endereço de e-mail
    .text = O convite foi enviado para outro endereço. Faça login no Salesforce com o usuário cujo endereço de e-mail foi convidado e abra o link de novo.

problem-reset-link-unusable =
    .title = O link não pode ser usado
    .text = Ele não é conhecido, já foi usado ou tem mais de uma hora. Solicite outro.

problem-password-login-off =
    .title = O login com senha está desativado
    .text = Aqui só é permitido o login pelo Salesforce. Faça login no Salesforce.

problem-authorization-state-invalid =
    .title = Esta autorização não pode ser concluída
    .text = Ela não foi iniciada neste navegador, já foi concluída ou tem mais de dez minutos. Comece de novo.

problem-session-required =
    .title = Faça login primeiro
    .text = Esta autorização pertence a um membro que não fez login neste navegador. Faça login aqui e comece de novo.

problem-authorization-denied =
    .title = A autorização foi recusada
    .text = Comece de novo se quiser concedê-la. O motivo (em inglês): { $detail }

problem-salesforce-not-configured =
    .title = O aplicativo Salesforce deste serviço não está configurado
    .text = Fale com o operador deste serviço.

problem-unavailable =
    .title = O serviço não pode responder agora
    .text = Tente de novo em alguns segundos.

problem-internal =
    .title = Ocorreu um erro do nosso lado
    .text = Tente de novo. Se acontecer outra vez, fale com o operador deste serviço.

problem-password-length =
    .title = Esta senha não pode ser usada
    .text = A senha é curta ou longa demais.

problem-password-guessable =
    .title = Esta senha é fácil demais de adivinhar
    .text = Esta senha é uma das que seriam tentadas primeiro. Escolha várias palavras que não tenham nada a ver umas com as outras, ou deixe um programa gerar uma.

problem-salesforce-host =
    .title = Este endereço não pertence ao Salesforce
    .text = Informe o seu endereço do My Domain, por exemplo acme.my.salesforce.com.

problem-other =
    .title = Não funcionou
    .text = O que aconteceu (em inglês): { $detail }
