using System.CommandLine;

namespace Troupe.Kubernetes.Remoting;

/// <summary>The options of <see cref="RemotingOptions"/> on a program's command line.</summary>
/// <param name="port">Used without <c>--akka-port</c>; 0 for any.</param>
public sealed class RemotingCommandLine(int port)
{
    private const string Loopback = "127.0.0.1";
    private readonly Option<string> _bind = new("--bind") { Description = "address to listen on", DefaultValueFactory = _ => Loopback };
    private readonly Option<string?> _publicHost = new("--public-host") { Description = "host name by which others reach this process" };
    private readonly Option<int> _port = new("--akka-port") { Description = "port of actor remoting", DefaultValueFactory = _ => port };
    private readonly Option<string?> _certificate = new(RemotingOptions.CertificateOption) { Description = "PEM file: this process's certificate for actor remoting" };
    private readonly Option<string?> _key = new(RemotingOptions.KeyOption) { Description = "PEM file: the certificate's private key" };
    private readonly Option<string?> _authority = new(RemotingOptions.AuthorityOption) { Description = "PEM file: the authority that signs the certificates of all control planes and agents" };

    /// <summary>What is wrong with the options makes the command line wrong.</summary>
    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _bind, _publicHost, _port, _certificate, _key, _authority })
            command.Add(option);
        command.Validators.Add(given =>
        {
            // Defaults come into being after the validation.
            if (RemotingOptions.Problem(given.GetValue(_bind) ?? Loopback, given.GetValue(_certificate), given.GetValue(_key), given.GetValue(_authority)) is { } problem)
                given.AddError(problem);
        });
    }

    public RemotingOptions Read(ParseResult given)
    {
        var bind = given.GetValue(_bind)!;
        var tls = given.GetValue(_certificate) is { } certificate ? new TlsFiles(certificate, given.GetValue(_key)!, given.GetValue(_authority)!) : null;
        return new RemotingOptions(bind, given.GetValue(_publicHost) ?? bind, given.GetValue(_port), tls);
    }
}
