use super::Field;

/// The names that one language has for columns. Written as `plain` in `headers` leaves them: lower case, letters and digits only, no accents.
pub(super) struct HeaderLanguage {
    pub(super) email: &'static [&'static str],
    first_name: &'static [&'static str],
    last_name: &'static [&'static str],
    role: &'static [&'static str],
    teams: &'static [&'static str],
    /// Words for the role admin.
    pub(super) admin: &'static [&'static str],
    /// Words for the role user.
    pub(super) user: &'static [&'static str],
}

impl HeaderLanguage {
    /// The names of a field.
    pub(super) fn names(&self, field: Field) -> &'static [&'static str] {
        match field {
            Field::Email => self.email,
            Field::FirstName => self.first_name,
            Field::LastName => self.last_name,
            Field::Role => self.role,
            Field::Teams => self.teams,
        }
    }
}

/// One entry a language, those that Marketo comes in; a file may mix them. A name that means different fields in two languages
/// (`nome` is a first name in Italian and Portuguese, `nom` a last name in French) is in the one in which it stands alone.
pub(super) const LANGUAGES: [HeaderLanguage; 9] = [ENGLISH, GERMAN, FRENCH, SPANISH, ITALIAN, PORTUGUESE, JAPANESE, KOREAN, CHINESE];

const ENGLISH: HeaderLanguage = HeaderLanguage {
    email: &[
        "email",
        "emailaddress",
        "mail",
        "mailaddress",
        "emailid",
        "workemail",
        "businessemail",
        "primaryemail",
        "useremail",
        "emailaddress1",
        "email1",
        "email1value",
    ],
    first_name: &["firstname", "first", "givenname", "forename", "userfirstname", "fname", "christianname"],
    last_name: &["lastname", "last", "surname", "familyname", "userlastname", "lname"],
    role: &["role", "userrole", "rolename", "accesslevel"],
    teams: &["team", "teams", "teamname", "teamnames", "group", "groups", "groupname"],
    admin: &["admin", "administrator", "admins"],
    user: &["user", "standarduser", "member", "users"],
};

const GERMAN: HeaderLanguage = HeaderLanguage {
    email: &["emailadresse", "mailadresse", "emailanschrift", "geschaftlicheemail", "emailgeschaftlich", "emaildienstlich"],
    first_name: &["vorname", "rufname"],
    last_name: &["nachname", "familienname", "zuname"],
    role: &["rolle", "benutzerrolle", "rollenname", "berechtigung"],
    teams: &["teamnamen", "gruppe", "gruppen", "gruppenname", "mannschaft"],
    admin: &["administratorin"],
    user: &["benutzer", "nutzer", "anwender", "benutzerin", "mitglied", "standardbenutzer"],
};

const FRENCH: HeaderLanguage = HeaderLanguage {
    email: &[
        "adressemail",
        "adresseemail",
        "courriel",
        "adressecourriel",
        "mel",
        "adresseelectronique",
        "courrierelectronique",
        "emailprofessionnel",
        "adressedemessagerie",
    ],
    first_name: &["prenom", "prenoms"],
    last_name: &["nom", "nomdefamille", "patronyme"],
    role: &["roleutilisateur", "fonction", "niveaudacces"],
    teams: &["equipe", "equipes", "groupe", "groupes", "nomdelequipe"],
    admin: &["administrateur", "administratrice"],
    user: &["utilisateur", "utilisatrice", "membre"],
};

const SPANISH: HeaderLanguage = HeaderLanguage {
    email: &["correo", "correoelectronico", "direcciondecorreo", "direcciondecorreoelectronico", "direcciondeemail", "direccionemail"],
    first_name: &["nombre", "nombres", "nombredepila", "primernombre"],
    last_name: &["apellido", "apellidos", "primerapellido"],
    role: &["rol", "roldeusuario", "funcion", "perfil"],
    teams: &["equipo", "equipos", "grupo", "grupos", "nombredelequipo"],
    admin: &["administrador", "administradora"],
    user: &["usuario", "usuaria", "miembro"],
};

const ITALIAN: HeaderLanguage = HeaderLanguage {
    email: &["indirizzoemail", "indirizzomail", "postaelettronica", "indirizzodipostaelettronica", "indirizzodiposta", "emailaziendale"],
    first_name: &["nome", "nomedibattesimo"],
    last_name: &["cognome", "cognomi"],
    role: &["ruolo", "ruoloutente", "livellodiaccesso"],
    teams: &["squadra", "squadre", "gruppo", "gruppi", "nomedelgruppo", "nomedelteam"],
    admin: &["amministratore", "amministratrice"],
    user: &["utente", "utenti", "membro"],
};

const PORTUGUESE: HeaderLanguage = HeaderLanguage {
    email: &[
        "enderecodeemail",
        "enderecoemail",
        "correioeletronico",
        "correioelectronico",
        "enderecodecorreioeletronico",
        "emailprofissional",
    ],
    first_name: &["primeironome", "nomeproprio"],
    last_name: &["sobrenome", "apelido", "ultimonome", "nomedefamilia"],
    role: &["funcao", "papel", "niveldeacesso", "funcaodousuario"],
    teams: &["equipe", "equipa", "equipas", "equipes", "grupo", "grupos", "time", "times"],
    admin: &["administrador", "administradora"],
    user: &["usuario", "usuaria", "utilizador", "utilizadora", "membro"],
};

const JAPANESE: HeaderLanguage = HeaderLanguage {
    email: &["メール", "メールアドレス", "eメール", "eメールアドレス", "電子メール", "電子メールアドレス"],
    first_name: &["名", "名前", "ファーストネーム", "下の名前"],
    last_name: &["姓", "苗字", "名字", "ラストネーム"],
    role: &["役割", "ロール", "権限"],
    teams: &["チーム", "チーム名", "グループ", "グループ名", "部署"],
    admin: &["管理者", "アドミン"],
    user: &["ユーザー", "ユーザ", "利用者", "メンバー", "一般ユーザー"],
};

const KOREAN: HeaderLanguage = HeaderLanguage {
    email: &["이메일", "이메일주소", "전자메일", "전자우편", "메일", "메일주소"],
    first_name: &["이름", "명"],
    last_name: &["성", "성씨"],
    role: &["역할", "권한", "사용자역할"],
    teams: &["팀", "팀명", "그룹", "그룹명", "팀이름"],
    admin: &["관리자", "어드민"],
    user: &["사용자", "일반사용자", "구성원", "유저"],
};

/// In simplified and traditional characters.
const CHINESE: HeaderLanguage = HeaderLanguage {
    email: &["邮箱", "电子邮件", "电子邮箱", "邮箱地址", "电子邮件地址", "电邮", "郵箱", "電子郵件", "電子信箱", "電子郵件地址", "電郵"],
    first_name: &["名", "名字"],
    last_name: &["姓", "姓氏"],
    role: &["角色", "用户角色", "权限", "使用者角色"],
    teams: &["团队", "小组", "组", "团队名称", "團隊", "群組", "部门"],
    admin: &["管理员", "管理員"],
    user: &["用户", "普通用户", "成员", "使用者", "用戶", "成員"],
};
