using System.Security.Cryptography;
using System.Text;
using Troupe.Launcher.Disks;
using Troupe.Launcher.Libvirt;
using Troupe.Launcher.Server;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Protocol.Launcher;

namespace Troupe.Launcher.Operations;

/// <summary>Passwords and SSH keys that the guest agent sets, from the secrets mounted into this pod; again when a secret changes.</summary>
internal sealed class AccessCredentials(DomainHost host, Action<string> log)
{
    private IReadOnlyList<AccessCredential> _credentials = [];
    private byte[]? _set;

    /// <summary>Takes over those that go by the agent; cloud-init brings the others.</summary>
    public void Use(VirtualMachineInstance vmi) =>
        _credentials = [.. (vmi.Spec?.AccessCredentials ?? []).Where(c => c.UserPassword?.PropagationMethod?.QemuGuestAgent is not null || c.SshPublicKey?.PropagationMethod?.QemuGuestAgent is not null)];

    /// <summary>The guest may be another now (it rebooted, or its disk was reset).</summary>
    public void Forget() => _set = null;

    public async Task SyncAsync(CancellationToken ct)
    {
        if (_credentials.Count == 0)
            return;
        var (passwords, keys) = Read(_credentials);
        var hash = HashOf(passwords, keys);
        if (_set is { } known && known.AsSpan().SequenceEqual(hash))
            return;
        string? problem = null;
        foreach (var (user, password) in passwords)
            problem = await TryAsync(c => c.SetUserPassword(user, password), ct).ConfigureAwait(false) ?? problem;
        foreach (var (user, lines) in keys)
            problem = await TryAsync(c => c.SetAuthorizedKeys(user, lines), ct).ConfigureAwait(false) ?? problem;
        if (problem is null)
            _set = hash;
        host.Update(o => o with { AccessCredentials = new AccessCredentialsObservation(problem is null, problem) });
    }

    /// <summary>In a password secret each key is a user; in a key secret each value is a list of keys, for the users that the credential names.</summary>
    private static (SortedDictionary<string, string> Passwords, SortedDictionary<string, List<string>> Keys) Read(IReadOnlyList<AccessCredential> credentials)
    {
        SortedDictionary<string, string> passwords = new(StringComparer.Ordinal);
        SortedDictionary<string, List<string>> keys = new(StringComparer.Ordinal);
        foreach (var credential in credentials)
        {
            if (credential.UserPassword?.Source?.Secret?.SecretName is { Length: > 0 } passwordSecret)
            {
                foreach (var (user, password) in IsoImage.FilesOf(LauncherPaths.AccessCredential(passwordSecret)))
                    passwords[user] = Encoding.UTF8.GetString(password).TrimEnd('\n');
            }

            if (credential.SshPublicKey is not { Source.Secret.SecretName: { Length: > 0 } keySecret } key)
                continue;
            var lines = IsoImage.FilesOf(LauncherPaths.AccessCredential(keySecret))
                .SelectMany(f => Encoding.UTF8.GetString(f.Content).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)).Where(l => !l.StartsWith('#')).ToList();
            foreach (var user in key.PropagationMethod?.QemuGuestAgent?.Users ?? [])
            {
                if (!keys.TryGetValue(user, out var known))
                    keys[user] = known = [];
                known.AddRange(lines);
            }
        }

        return (passwords, keys);
    }

    private static byte[] HashOf(SortedDictionary<string, string> passwords, SortedDictionary<string, List<string>> keys) => SHA256.HashData(Encoding.UTF8.GetBytes(
        string.Join('\0', passwords.Select(p => $"{p.Key}\0{p.Value}").Concat(keys.Select(k => $"{k.Key}\0{string.Join('\n', k.Value)}")))));

    private async Task<string?> TryAsync(Action<LibvirtConnection> act, CancellationToken ct)
    {
        try
        {
            await host.CallAsync(c =>
            {
                act(c);
                return true;
            }, ct).ConfigureAwait(false);
            return null;
        }
        catch (LibvirtException e)
        {
            log(e.Message);
            return e.Message;
        }
    }
}
