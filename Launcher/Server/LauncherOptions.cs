namespace Troupe.Launcher.Server;

/// <param name="GracePeriod">How long a guest may take to shut down when the pod is told to end.</param>
public sealed record LauncherOptions(string Name, string Namespace, string Uid, TimeSpan GracePeriod)
{
    /// <exception cref="ArgumentException">Names the argument that is wrong.</exception>
    public static LauncherOptions Parse(IReadOnlyList<string> args)
    {
        Dictionary<string, string> values = [];
        for (var i = 0; i < args.Count; i++)
        {
            if (args[i] is "--allow-emulation")
                continue;
            if (!args[i].StartsWith("--", StringComparison.Ordinal) || i + 1 >= args.Count)
                throw new ArgumentException($"unexpected argument '{args[i]}'");
            values[args[i][2..]] = args[++i];
        }

        foreach (var unknown in values.Keys.Where(k => k is not ("name" or "namespace" or "uid" or "grace-period-seconds")))
            throw new ArgumentException($"unknown option --{unknown}");
        return new LauncherOptions(Required("name"), Required("namespace"), Required("uid"),
            int.TryParse(values.GetValueOrDefault("grace-period-seconds", "30"), out var seconds) && seconds >= 0
                ? TimeSpan.FromSeconds(seconds)
                : throw new ArgumentException($"--grace-period-seconds takes a number of seconds, got '{values["grace-period-seconds"]}'"));

        string Required(string name) => values.TryGetValue(name, out var value) ? value : throw new ArgumentException($"--{name} is required");
    }
}
