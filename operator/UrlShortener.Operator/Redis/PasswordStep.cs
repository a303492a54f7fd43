using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Redis.Cluster;

namespace UrlShortener.Operator.Redis;

/// <summary>The next step until all nodes accept one password only, and every connection was made with it. Pure.</summary>
internal abstract record PasswordStep
{
    /// <summary>The next step.</summary>
    /// <param name="passwords">The passwords in the Secret.</param>
    /// <param name="pods">The pods that matter to the cluster.</param>
    /// <param name="nodes">What their nodes say; null: nothing.</param>
    /// <param name="missing">What is missing in the cluster; null: nothing.</param>
    /// <param name="names">Names of the region's pods by address.</param>
    public static PasswordStep Next(
        RedisPasswords passwords,
        IReadOnlyList<RedisPod> pods,
        IReadOnlyDictionary<string, NodePasswords?> nodes,
        string? missing,
        IReadOnlyDictionary<string, string> names
    )
    {
        var target = RedisPasswords.HashOf(passwords.Target);
        var answers = pods.Select(pod => (pod.Name, Says: nodes.GetValueOrDefault(pod.Name))).ToList();
        if (answers.FirstOrDefault(node => node.Says is { } says && (says.IsRestricted || !says.Accepted.Contains(target))) is { Name: { } stranger })
            return new Accept(stranger, passwords.Target);
        if (answers.FirstOrDefault(node => node.Says is null) is { Name: { } silent })
            return new Wait($"Waiting for pod {silent}, whose node does not answer");
        // A link with a password that its master does not accept would break, so all accept it first.
        if (answers.FirstOrDefault(node => node.Says!.Link != target) is { Name: { } replica })
            return new Link(replica, passwords.Target);
        if (passwords.Next is not null)
            return new Write(passwords.Promote());
        if (answers.All(node => node.Says!.Accepted.Count == 1))
            return passwords.Former is null ? new Done() : new Write(passwords.Finish());
        // Its probes and its next start use the file.
        if (answers.FirstOrDefault(node => node.Says!.File != target) is { Name: { } late })
            return new Wait($"Waiting for pod {late}, which does not have the new password yet");
        var users = answers.Where(node => node.Says!.Accepted.Count > 1).SelectMany(node => node.Says!.FindWithout(passwords.Current));
        if (PasswordRotation.WaitFor(users, names) is { } waits)
            return new Wait(waits);
        // Its connections end: one node at a time, and only while the others serve.
        return missing is null
            ? new Retire(answers.First(node => node.Says!.Accepted.Count > 1).Name, target)
            : new Wait($"Waiting until the cluster is complete: {missing}");
    }

    /// <summary>Nothing can be done now.</summary>
    /// <param name="For">What it waits for.</param>
    public sealed record Wait(string For) : PasswordStep;

    /// <summary>A node accepts the new password, too, and whoever has it may do everything.</summary>
    /// <param name="Pod">Its pod.</param>
    /// <param name="Password">The password.</param>
    public sealed record Accept(string Pod, string Password) : PasswordStep
    {
        /// <summary>Without the password.</summary>
        public override string ToString() => $"Accept {Pod}";
    }

    /// <summary>A node uses the new password for links to its master that it makes from now on.</summary>
    /// <param name="Pod">Its pod.</param>
    /// <param name="Password">The password.</param>
    public sealed record Link(string Pod, string Password) : PasswordStep
    {
        /// <summary>Without the password.</summary>
        public override string ToString() => $"Link {Pod}";
    }

    /// <summary>The Secret says how far the rotation is.</summary>
    /// <param name="Passwords">The passwords.</param>
    public sealed record Write(RedisPasswords Passwords) : PasswordStep;

    /// <summary>A node refuses the former password, and ends every connection that was made before.</summary>
    /// <param name="Pod">Its pod.</param>
    /// <param name="Hash">Hash of the only password.</param>
    public sealed record Retire(string Pod, string Hash) : PasswordStep;

    /// <summary>One password is left.</summary>
    public sealed record Done : PasswordStep;
}
