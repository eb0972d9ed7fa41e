using System.Net;

namespace Troupe.Kubernetes.Remoting;

/// <summary>PEM files of one process's identity among its peers.</summary>
/// <param name="Certificate">The certificate, with intermediates if there are any; both as client and as server.</param>
/// <param name="Key">Its private key, unencrypted.</param>
/// <param name="Authority">The certificates that sign every peer's.</param>
public sealed record TlsFiles(string Certificate, string Key, string Authority);

/// <summary>Where the actors of one process listen for those of others.</summary>
/// <param name="Bind">Address to listen on.</param>
/// <param name="PublicHost">Name or address under which others reach this process.</param>
/// <param name="Tls">Null for plain TCP, which is for one machine alone.</param>
public sealed record RemotingOptions(string Bind, string PublicHost, int Port, TlsFiles? Tls)
{
    public const string CertificateOption = "--tls-certificate";
    public const string KeyOption = "--tls-key";
    public const string AuthorityOption = "--tls-ca";

    private string Scheme => Tls is null ? "akka.tcp" : "akka.ssl.tcp";

    /// <summary>The whole address of a peer that was given as one, as <c>SYSTEM@HOST:PORT</c> or as <c>HOST:PORT</c>.</summary>
    public string Address(string peer, string system)
    {
        var bare = peer[(peer.IndexOf("://", StringComparison.Ordinal) is var at and >= 0 ? at + 3 : 0)..].TrimEnd('/');
        return $"{Scheme}://{(bare.Contains('@') ? bare : $"{system}@{bare}")}";
    }

    /// <summary>What is wrong with what the command line says, naming the option; null when nothing is.</summary>
    /// <remarks>Whoever reaches an actor system can tell its actors anything, so a port beyond this machine is for known peers only.</remarks>
    public static string? Problem(string bind, string? certificate, string? key, string? authority)
    {
        (string Option, string? File)[] files = [(CertificateOption, certificate), (KeyOption, key), (AuthorityOption, authority)];
        if (!IPAddress.TryParse(bind, out var address))
            return $"--bind: '{bind}' is not an IP address";
        if (files.All(f => f.File is null))
        {
            return IPAddress.IsLoopback(address)
                ? null
                : $"--bind: actors that listen on {bind} need TLS: give {CertificateOption}, {KeyOption} and {AuthorityOption}, or bind to 127.0.0.1";
        }

        foreach (var (option, file) in files)
        {
            if (file is null)
                return $"{option}: missing; {CertificateOption}, {KeyOption} and {AuthorityOption} go together";
            if (!File.Exists(file))
                return $"{option}: no file '{file}'";
        }

        return null;
    }
}
