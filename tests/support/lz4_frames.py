"""LZ4 frames: those of lz4(1), and plain ones."""

import base64
import struct
import zlib

CONTENT = b"".join(b"line %d of %d\n" % (n % 23, n // 400) for n in range(15_000))

_REAL = {
    "dependent blocks of 64 KiB, with checksums": (
        "c-pO(%WoT16vmHZ8}7YI(y{=LLC7&s@NAH0#*gs=REZ56z=8^8g-~CpD8L2~l#+%tM4{>;`~z(%1yu-AGIkWTP"
        "2+$Nt%RUF%O0sK#8U_X4K-"
        ")(9K&RM@7S@h^y#;`KIeYNXTD5Qw>@C&*uL;o8sLM8eNXQhD~>(0cdRIeA!DIzl!Gdv%BTveigJg+s7(NW5!ik"
        "(td~#+P%on<Q3p{|s8>+aVA#`;wby}7!<Kxa-SwF=tbAg#N{#?O1#BB!KMd?GU?+jS3G4*0H-"
        "H^i_j%2*@w*{m4R$ARSwm$L3$bI6wWP~}W#jP!$P#iASwT*zTfLfb@`<R70Ti*RY&K(*@Nf@>y>`#*Kbu4OM6R"
        "UjGM_1<4O9{f+|kEc=mu7>+!22l3U(3At!s87Q^9)=pqRZ-Hkvc4_{E6g79%>as7-"
        "%>RaK`W85akrkTHP5HkG~(88tlFhx%O%WtYQQ>)yqJRUAFawlAg&!0rOW836-"
        "FVU$t$iyKuG{^Hr%b07`@p8?adM}f~GOUOB71$h|hB9B1wzGJzftLWBlr}$?czvPL}J@JJnzVyUbp7`1m-"
        "+1D(C%*N>pAGR>LtJf$^@jMn!LK!VyTPH!6HPwU<jE#aHFK7_H0O^s@n&v<KTg~kknL`!Ob}>pWP>?=8u$Y6_k"
        "h0(H(N?)Te@4N>y|Ah_T6y#yU80dbb}LD*pEvE%fVhh6MrTCwq*L`zZ3r;-"
        "m)C<R$`8r56Es`PA>s3sBVCtbv}vbN_c*XI8B@(&JyRAQ|P2)pL@U;fxqA7UEQXg=A&m!tBm*AdPX_J!4^c_?H"
        "W6J7BdE$9Y1UO<R^$HiEk565kEN>@Y8_o(z#%0VW%2rL;UU))2iZ^i$t4PS_x0AV^%S<kkO=znW1hZ*y?#qOuX"
        "G1@k8QA0r|)0P05SI?^gr<K>UgL%W8TQ#MT53P%LSDUF8q9Osj^c>%@nNJBW`46yq(ve+`|Au8D<x>h>aQkGDE"
        "fjVrnv`bTWTZs-<cyj8IAvG0(Nx6D}1uSMDIRAVhDV!K-"
        "6B{n<?>IW+1R5wHE#vxZ~ru%)OOuN|G4c%h+*DsNcemLJ_J5+s6*M<KQ`sA|<H|09vc#o`Drpo2+0Y>*FHjz8V"
        "b-"
        "$h*Ud0X5^vQMfS42TJzZT9CO*@cfs#H$RzVa8H#$?E_bmNjMHB*}j;Lf^ec0~@YMlNFLhloF~TCa7{j4zpWFhU"
        "}Vi<4e|ucgnp)o>_9!t~uJiPkg>Th(NitU|F7$MDk-w;mc-"
        "*KywkrN#gC{)U_AXx`uC&?qMQqCd3wIMFSKEJ3*urY=7Qd!Li7q$^5|2u+95Vgr3wG5j|@)D0i0`~Rui_s_m_;"
        "R%p2`MRu3!O?@8exZA)zIV*2isfAg=dc^RaOL@xe*n_aTwV"
    ),
    "independent blocks of 4 MiB": (
        "c-pO&%Wo4`6vmHZyWDe?2Rn~JC~@h-vq7F2KgOG?66>~6RiUgZgj%FZ2v#i0BMl*-"
        "fLP=&;8mzt&_~9OB3^M?A%s-5^a+0i&=yox(4?eiW{zPpzIW`Twe;z?nK|cvXU=?{%*$^XJ4cru3;}$-"
        "=cBzJj+93B?H(z~e#luQo8*wnqzb7@s*&7&FzR~%KL&9C4C^525a}>!ob(B4f^>v535Gohd3zbeBn%Z&D;>WH!"
        "z!fKs`LQhB@nN|hJFwiL0kawDTwnR&Ve|q?sLMh>E4K_hIkDysG+h+g~S=iTY<}>Wz*${h-"
        "Kn9u}Yj!w>p+{3aPk^btq<2*=))v)5TpB_1ZbF7dHC}so}D!%S^69Hb`kI@JbJBp&MAyatHifDB2}5x2)NTT$R"
        "qf4khe`veC3rqZ?yNT8#L>;x_#O)>NHN<y;z|LdH52wW;)V)Tq;yJ*d~kP<A<)x89g7TBX6$;?3D?5yb0YI0In"
        "ND2xh;p14sX(G$<t_k%nNI0dF<4+0)1mWk8ED)A)IC7y!x_A|pJSJ7={C4=94c*m1Jc=AV2{^ZG@J^70#fA!>D"
        "Pu}z7(}w)JA(t9*xgq~);Ijs<G!UAYYGPj#(@o4Yhb?t!#P^$YGB<@gnY%)Y51JVhB$*pnWe&dt`~vWEz{{}7Q"
        "aT$_w@QoO=8Bd>rT<_)X8t*6`ozDOPnetMLvCRXGYcWb*7@ulU{TX>8OQ0mGF?BxoMcWhk29y|Gj#B_Tl4^D0l"
        "(_7s_~V@!7HX!q4R9Kq8!=!_Cek4nK*rwB88fry=wZz^UMp(&zP5(-(Cy(T}W}~S~#?*Q;oAe+;-"
        "ixYIJjnX*0{$qZ4bJRm?16H0@GEs2fSKaDxJpPPfSXhIun2-"
        "nwB1yv@A75b`1Ocjlvo>>$XEDH@=h)A(A#w_B!Fr>jSq?=s(G?g%NzT6kcQoXU=gMSbe_B5#ki+ER@xz8m^CYS"
        "nJ&7GtbcwCOEx6USO+B4-xk>~yNJ78bExE$I-"
        "eUIq0F6>+MYVc^DLS88T^eWOgf)ZPu<V)(}|vyEOj(`7rfk>MApaG^@)yyEMTn73`8x`!3as_I5*`a~W5jZjd`"
        "EJmY4(++|%H7=)SPjO356C$HOaO1KoH8X3;+xB*7RwEc%on0i*&kTQF^={jt`<Ki+lo&B3rAN1a<G^RqYB(GkQ"
        "TlF_Bx@Q*t!g4FsKP0c#OT|Qv>qB)FQM;(!{Pt>I-"
        "^Z=G+$@I&^Q%(qCd3c^w2FwP=a$KN?m^Zm#;P76{kjwro(BmioUA^K2Hzb*P364W1<V!{I&MZ=<X4xCV_tc0)A"
        "Ud(E"
    ),
}
"""What lz4 1.9.4 made of it, by what it was told; deflated, and in base 85."""

REAL = {kind: zlib.decompress(base64.b85decode(text)) for kind, text in _REAL.items()}


def stored(data: bytes) -> bytes:
    """A frame of blocks that are not made smaller."""
    step = 64 << 10
    blocks = (data[start : start + step] for start in range(0, len(data), step))
    header = b"\x04\x22\x4d\x18\x60\x40\x82"
    return (
        header
        + b"".join(struct.pack("<I", len(block) | 1 << 31) + block for block in blocks)
        + bytes(4)
    )
