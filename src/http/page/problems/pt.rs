use super::Met;

/// Title and text in Portuguese.
pub(super) fn told(met: Met) -> (&'static str, &'static str) {
    match met {
        Met::LinkUnknown => ("Este link de ativação não é conhecido", "Use sem alterações o link da mensagem de convite mais recente."),
        Met::LinkUsed => ("Este link de ativação já foi usado", "Se foi você, faça login."),
        Met::LinkExpired => ("Este link de ativação expirou", "Peça um novo convite à pessoa que convidou você."),
        Met::LinkRevoked => ("Este convite foi revogado", "Se você acha que é um engano, fale com a pessoa que convidou você."),
        Met::LinkReplaced => {
            ("Um link mais recente substituiu este", "Uma mensagem mais recente contém outro link, que é o que funciona. Abra esse.")
        }
        Met::OnlySalesforceActivates => ("Esta forma de ativação está desativada", "Faça login no Salesforce para ativar a sua conta."),
        Met::OtherAddress => (
            "O usuário do Salesforce tem outro endereço de e-mail",
            "O convite foi enviado para outro endereço. Faça login no Salesforce com o usuário cujo endereço de e-mail foi \
             convidado e abra o link de novo.",
        ),
        Met::ResetLinkUnusable => {
            ("O link não pode ser usado", "Ele não é conhecido, já foi usado ou tem mais de uma hora. Solicite outro.")
        }
        Met::PasswordsSwitchedOff => {
            ("O login com senha está desativado", "Aqui só é permitido o login pelo Salesforce. Faça login no Salesforce.")
        }
        Met::AuthorizationNotBegun => (
            "Esta autorização não pode ser concluída",
            "Ela não foi iniciada neste navegador, já foi concluída ou tem mais de dez minutos. Comece de novo.",
        ),
        Met::SessionMissing => (
            "Faça login primeiro",
            "Esta autorização pertence a um membro que não fez login neste navegador. Faça login aqui e comece de novo.",
        ),
        Met::AuthorizationRefused => ("A autorização foi recusada", "Comece de novo se quiser concedê-la. O motivo (em inglês):"),
        Met::SalesforceNotConfigured => {
            ("O aplicativo Salesforce deste serviço não está configurado", "Fale com o operador deste serviço.")
        }
        Met::Unavailable => ("O serviço não pode responder agora", "Tente de novo em alguns segundos."),
        Met::Fault => ("Ocorreu um erro do nosso lado", "Tente de novo. Se acontecer outra vez, fale com o operador deste serviço."),
        Met::PasswordTooShortOrLong => ("Esta senha não pode ser usada", "A senha é curta ou longa demais."),
        Met::PasswordGuessable => (
            "Esta senha é fácil demais de adivinhar",
            "Esta senha é uma das que seriam tentadas primeiro. Escolha várias palavras que não tenham nada a ver umas com as \
             outras, ou deixe um programa gerar uma.",
        ),
        Met::NoSalesforceHost => {
            ("Este endereço não pertence ao Salesforce", "Informe o seu endereço do My Domain, por exemplo acme.my.salesforce.com.")
        }
        Met::Other => ("Não funcionou", "O que aconteceu (em inglês):"),
    }
}
